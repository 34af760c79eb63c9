/**
 * The digest of a stage's code: its entry module, all that it imports by a relative path, and the versions of the
 * packages that these import. Imports are found in the text, not by parsing: one that stands in a comment or a
 * string costs a file too many at worst, while none that is written as a formatter leaves it is missed.
 */
import { existsSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Digest, digestOf } from '../../registry/digest.ts';

interface Module {
  readonly digest: Digest;
  /** Absolute paths; some may not exist. */
  readonly files: readonly string[];
  readonly packages: readonly string[];
}

// `import ... from`, `export ... from`, `import '...'`, `import('...')`, and what a module starts or reads by
// `new URL('...', import.meta.url)` (a worker, a page). The leading group matches an import of types only,
// which leaves no trace at run time.
const reference =
  /(\b(?:import|export)\s+type\s+(?!from\b)(?:\{[^}]*\}|\*(?:\s*as\s+[\w$]+)?|[\w$]+)\s*)?(?:\bfrom\s*|\bimport\s*\(?\s*(?:\/\*[^*]*\*\/\s*)?|\bnew\s+URL\(\s*|\bimport\.meta\.resolve\(\s*)(['"`])([^'"`\s$]+)\2/g;
const packageName = /^(?:@[a-z0-9~-][\w.~-]*\/)?[a-z0-9~-][\w.~-]*/;
const scanned = /\.[cm]?[jt]sx?$/;
const test = /\.test\.[cm]?[jt]sx?$/;

/** The source files as they are now: each is read once, however many stages share it. */
export class SourceCode {
  readonly #modules = new Map<string, Module | undefined>();
  readonly #versions = new Map<string, string>();

  /** @param except modules to leave out, with what only they import (URLs). */
  digest(entry: string, except: readonly string[] = []): Digest {
    const start = fileURLToPath(entry);
    const root = packageRoot(dirname(start));
    const seen = new Set(except.map((url) => fileURLToPath(url)));
    seen.delete(start);
    const parts: string[] = [];
    const waiting = [start];
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      if (seen.has(path) || test.test(path)) continue;
      seen.add(path);
      const module = this.#module(path);
      if (!module) {
        if (path === start) throw new Error(`The code of a stage is not there: ${path}`);
        continue;
      }
      parts.push(`${relative(root, path).split(sep).join('/')} ${module.digest}`);
      for (const name of module.packages) parts.push(`${name}@${this.#version(name, dirname(path))}`);
      waiting.push(...module.files);
    }
    return digestOf([...new Set(parts)].sort().join('\n'));
  }

  #module(path: string): Module | undefined {
    if (!this.#modules.has(path)) this.#modules.set(path, readModule(path));
    return this.#modules.get(path);
  }

  /** "none" for a package that isn't installed, so that installing an optional one changes the digest. */
  #version(name: string, from: string): string {
    const key = `${name} ${from}`;
    const known = this.#versions.get(key);
    if (known !== undefined) return known;
    const manifest = read(join(from, 'node_modules', name, 'package.json'));
    const version =
      manifest !== undefined
        ? String((JSON.parse(manifest.toString()) as { version?: unknown }).version)
        : dirname(from) === from
          ? 'none'
          : this.#version(name, dirname(from));
    this.#versions.set(key, version);
    return version;
  }
}

function readModule(path: string): Module | undefined {
  const content = read(path);
  if (content === undefined) return undefined;
  const files: string[] = [];
  const packages: string[] = [];
  if (scanned.test(path)) {
    for (const [, typeOnly, , specifier = ''] of content.toString().matchAll(reference)) {
      if (typeOnly) continue;
      if (/^\.\.?\//.test(specifier)) files.push(join(dirname(path), specifier));
      else if (!isBuiltin(specifier)) packages.push(...(packageName.exec(specifier) ?? []));
    }
  }
  return { digest: digestOf(content), files, packages };
}

/** Undefined where there is no such file: a folder, or something that only looked like an import. */
function read(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EISDIR' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Paths are taken from the nearest folder with a package.json, so that every checkout has the same digest. */
function packageRoot(folder: string): string {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, 'package.json'))) return at;
    if (dirname(at) === at) return folder;
  }
}
