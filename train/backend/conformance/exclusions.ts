/** Tests of TensorFlow.js that this backend does not pass, and why that is right. */
export interface Exclusion {
  /** The file, as `ops/add`; any if left out. */
  readonly file?: RegExp;
  /** The test's full name; any if left out. */
  readonly test?: RegExp;
  readonly reason: string;
}

export const exclusions: readonly Exclusion[] = [];

export function excludes({ file, test }: Exclusion, result: { file: string; name: string }): boolean {
  return (file?.test(result.file) ?? true) && (test?.test(result.name) ?? true);
}
