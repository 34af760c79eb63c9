/**
 * Something a user did, or can put right: bad input, a missing file, a refused step.
 * The message says what was wrong, what was expected and what to do; commands print it without a stack.
 */
export class UserError extends Error {
  override readonly name: string = 'UserError';
  /** The exit code of a command that ends with this error. */
  readonly exitCode: number = 1;
}

/** A command was called the wrong way: an unknown flag, or a value that is not among those it takes. */
export class UsageError extends UserError {
  override readonly name: string = 'UsageError';
  override readonly exitCode: number = 2;
}
