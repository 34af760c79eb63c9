import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A program that prints JSON, a value on each line, and may be sent some. What it writes to stderr is shown. */
export class LineProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #what: string;

  constructor(command: string, args: readonly string[]) {
    this.#what = [command, ...args].join(' ');
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    child.on('error', () => undefined); // its output ends, and that is told
    child.stdin.on('error', () => undefined);
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  /** The next value that it prints, or undefined if it ends instead. */
  async next(): Promise<unknown> {
    const { value, done } = await this.#lines.next();
    return done ? undefined : JSON.parse(value);
  }

  /** The next value that it prints. @throws when it ends instead */
  async answer(): Promise<unknown> {
    const value = await this.next();
    if (value === undefined) throw new Error(`it ended without an answer: ${this.#what}`);
    return value;
  }

  ask(message: object): Promise<unknown> {
    this.#child.stdin?.write(`${JSON.stringify(message)}\n`);
    return this.answer();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill();
    await ended;
  }
}
