export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** One record, on one line. */
export function printJson(record: object): void {
  print(JSON.stringify(record));
}

/** For whoever waits: it is not a part of what is measured, and never among the records. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}
