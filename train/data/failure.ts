/** A transfer that did not succeed. Where the cause would be the same again, a retry is not worth the wait. */
export class TransferFailure extends Error {
  override readonly name = 'TransferFailure';
  constructor(
    message: string,
    /** `retry`: may pass. `give-up`: this mirror won't serve this file. `unreachable`: nor any other. */
    readonly remedy: 'retry' | 'give-up' | 'unreachable',
  ) {
    super(message);
  }
}

export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
