import type { PipelineEvent } from '../events.ts';
import type { Progress } from '../stage.ts';
import type { Output, Renderer } from './renderer.ts';
import { duration, folded, fraction, oneLine, progressParts, timeOf, truncated } from './text.ts';

const hideCursor = '\x1b[?25l';
const showCursor = '\x1b[?25h';
const clearLine = '\r\x1b[2K';
const shortestBar = 6;
const longestBar = 24;
const colors = { green: 32, red: 31, yellow: 33, cyan: 36, dim: 2 } as const;
type Color = keyof typeof colors;

/** A line a stage: drawn over and over while it runs, then left as it ended. No line is wider than the terminal. */
export class TerminalRenderer implements Renderer {
  readonly #output: Output;
  readonly #colored: boolean;
  #nameWidth = 0;
  /** Whether the cursor stands, hidden, at the end of a line that will be drawn over. */
  #live = false;

  constructor(output: Output, { colored }: { colored: boolean }) {
    this.#output = output;
    this.#colored = colored;
  }

  show(event: PipelineEvent): void {
    switch (event.event) {
      case 'run':
        this.#nameWidth = Math.max(...event.stages.map((name) => name.length));
        break;
      case 'stage-start':
        this.#draw('cyan', '▸', event.stage, event.reason);
        break;
      case 'progress':
        this.#draw('cyan', '▸', event.stage, this.#bar(event));
        break;
      case 'note':
        this.#leaveNote(event.text);
        break;
      case 'stage-end':
        this.#leave('green', '✓', event.stage, `${timeOf(event).padEnd(8)}  ${event.summary ?? ''}`);
        break;
      case 'stage-failed': {
        const how = event.interrupted ? 'interrupted' : 'failed';
        this.#leave('red', '✗', event.stage, `${how} after ${duration(event.seconds)}`);
        break;
      }
      case 'would-run':
        this.#leave('yellow', '·', event.stage, `would run  ${event.reason}`);
        break;
      case 'done': {
        const time = `${duration(event.seconds)} in all`;
        this.#leave('green', '✓', event.model, `version ${event.version} is ${event.alias}, ${time}`);
        break;
      }
    }
  }

  close(): void {
    if (!this.#live) return;
    this.#output.write(`\n${showCursor}`);
    this.#live = false;
  }

  #draw(color: Color, mark: string, name: string, rest: string): void {
    this.#output.write(`${this.#live ? '' : hideCursor}${clearLine}${this.#line(color, mark, name, rest)}`);
    this.#live = true;
  }

  #leave(color: Color, mark: string, name: string, rest: string): void {
    this.#write([this.#line(color, mark, name, rest)]);
  }

  #leaveNote(text: string): void {
    const lines = folded(oneLine(text), Math.max(this.#width() - 2, 1));
    this.#write(lines.map((line) => `  ${this.#paint('dim', line)}`));
  }

  #write(lines: readonly string[]): void {
    const before = this.#live ? `${clearLine}${showCursor}` : '';
    this.#output.write(`${before}${lines.join('\n')}\n`);
    this.#live = false;
  }

  #line(color: Color, mark: string, name: string, rest: string): string {
    const text = oneLine(`${name.padEnd(this.#nameWidth)}  ${rest}`);
    return `${this.#paint(color, mark)} ${truncated(text, this.#width() - 2)}`;
  }

  /** The parts that fit whole, after a bar that takes what they leave it. */
  #bar(progress: Progress): string {
    const room = this.#width() - 2 - this.#nameWidth - 2;
    let parts = '';
    for (const part of progressParts(progress)) {
      if (shortestBar + parts.length + 2 + part.length > room) break;
      parts += `  ${part}`;
    }
    const length = Math.min(Math.max(room - parts.length, shortestBar), longestBar);
    const full = Math.round(fraction(progress.done, progress.total) * length);
    return `${'━'.repeat(full)}${'─'.repeat(length - full)}${parts}`;
  }

  /** One column stays free: a terminal may go to the next line when the last one is written. Some say 0 for unknown. */
  #width(): number {
    return (this.#output.columns || 80) - 1;
  }

  #paint(color: Color, text: string): string {
    return this.#colored ? `\x1b[${colors[color]}m${text}\x1b[0m` : text;
  }
}
