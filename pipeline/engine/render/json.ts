import type { Output, Renderer } from './renderer.ts';

/** One event a line, as JSON: for programs. */
export function jsonRenderer(output: Output): Renderer {
  return {
    show: (event) => void output.write(`${JSON.stringify(event)}\n`),
    close: () => {},
  };
}
