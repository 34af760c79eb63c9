import { UserError } from '../../cli/errors.ts';

/** What the operating system calls a failure, as in `ENOENT`; undefined for any other error. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

export function hasCode(error: unknown, ...codes: string[]): boolean {
  return codes.includes(codeOf(error) ?? '');
}

/** Undefined where it fails with one of these. */
export async function ignoring<T>(codes: string[], result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    if (hasCode(error, ...codes)) return undefined;
    throw error;
  }
}

const elsewhere = 'choose another folder with --registry or SLIPWAY_REGISTRY';

/** Failures of a folder that its owner can put right; any other error is a fault of ours and stays as it is. */
export function explain(error: unknown, folder: string): unknown {
  const text = textFor(codeOf(error), folder);
  return text === undefined ? error : new UserError(text, { cause: error });
}

function textFor(code: string | undefined, folder: string): string | undefined {
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return `The disk that holds the registry folder ${folder} is full (${code}); what was being written is not kept. Free some space, or ${elsewhere}.`;
    case 'EROFS':
      return `The registry folder ${folder} is on a read-only file system (${code}). Make it writable, or ${elsewhere}.`;
    case 'EACCES':
    case 'EPERM':
      return `The registry folder ${folder} can't be used (${code}: no permission, or a file system without hard links). Give this user the right to read and write it, or ${elsewhere}.`;
    case 'ENOTDIR':
    case 'EEXIST':
      return `The registry folder ${folder} can't be used (${code}: a part of its path is a file). Move that file away, or ${elsewhere}.`;
    case 'ENOENT':
      return `The registry folder ${folder} can't be made there (${code}). Check the path, or ${elsewhere}.`;
    case 'ENOSYS':
    case 'ENOTSUP':
    case 'EOPNOTSUPP':
    case 'EXDEV':
      return `The registry folder ${folder} can't be used (${code}: it needs hard links, all on one file system). Put it on a local disk: ${elsewhere}.`;
    default:
      return undefined;
  }
}
