import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';

export const gitStateSchema = z.strictObject({
  /** Null outside a repository, before its first commit, or where git isn't installed. */
  commit: z.string().nullable(),
  /** Whether the working tree is what the commit says, untracked files included. */
  clean: z.boolean().nullable(),
});

export const environmentSchema = z.strictObject({
  node: z.string(),
  platform: z.string(),
  arch: z.string(),
  cpu: z.strictObject({ model: z.string(), count: z.int() }),
  /** The installed version of each package that package.json asks for. */
  packages: z.record(z.string(), z.string()),
});

export type GitState = z.infer<typeof gitStateSchema>;
export type Environment = z.infer<typeof environmentSchema>;

const projectRoot = new URL('../../', import.meta.url);

export async function readGitState(folder: string = fileURLToPath(projectRoot)): Promise<GitState> {
  try {
    const { stdout } = await promisify(execFile)(
      'git',
      ['--no-optional-locks', 'status', '--porcelain=v2', '--branch'],
      { cwd: folder, timeout: 2000, maxBuffer: 16 * 1024 * 1024 },
    );
    const lines = stdout.split('\n').filter((line) => line !== '');
    const commit = /^# branch\.oid ([0-9a-f]{40,64})$/m.exec(stdout)?.[1] ?? null;
    return { commit, clean: lines.every((line) => line.startsWith('#')) };
  } catch {
    return { commit: null, clean: null }; // lineage says that it isn't known; the run goes on
  }
}

export async function readEnvironment(): Promise<Environment> {
  const processors = cpus();
  return {
    node: process.version,
    platform: process.platform,
    arch: process.arch,
    cpu: { model: processors[0]?.model.trim() ?? 'unknown', count: processors.length },
    packages: await packageVersions(),
  };
}

async function packageVersions(): Promise<Record<string, string>> {
  const { dependencies } = z
    .object({ dependencies: z.record(z.string(), z.string()).default({}) })
    .parse(await readJson('package.json'));
  const versions = await Promise.all(
    Object.keys(dependencies).map(async (name) => {
      const manifest = await readJson(`node_modules/${name}/package.json`).catch(() => ({}));
      const { version } = z.object({ version: z.string().default('none') }).parse(manifest);
      return [name, version] as const;
    }),
  );
  return Object.fromEntries(versions);
}

async function readJson(path: string): Promise<unknown> {
  return JSON.parse(await readFile(new URL(path, projectRoot), 'utf8'));
}
