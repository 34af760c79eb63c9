import { jsonRenderer } from './json.ts';
import { plainRenderer } from './plain.ts';
import type { Output, Renderer } from './renderer.ts';
import { TerminalRenderer } from './terminal.ts';

/** JSON where it is asked for, a live display on a terminal, plain lines everywhere else. */
export function chooseRenderer(
  output: Output,
  { json, env }: { json: boolean; env: Readonly<Record<string, string | undefined>> },
): Renderer {
  if (json) return jsonRenderer(output);
  if (output.isTTY !== true || env.TERM === 'dumb' || env.CI) return plainRenderer(output);
  return new TerminalRenderer(output, { colored: !env.NO_COLOR }); // https://no-color.org
}
