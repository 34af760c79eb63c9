/** What a server sent, as one line: no byte of it may move the cursor, colour the terminal or start a line. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\ufffd');
}
