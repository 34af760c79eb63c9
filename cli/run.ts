import { CommanderError, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { UserError } from './errors.ts';

/**
 * Parses the arguments and runs the command. Sets the exit code: 0 done, 1 a `UserError` or a fault of ours,
 * 2 wrong usage. Only a fault of ours shows a stack. Where nobody reads its output any more, it ends itself by SIGTERM.
 */
export async function runCommand(
  command: CommandUnknownOpts,
  argv: readonly string[] = process.argv.slice(2),
) {
  let closed = false;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    if (closed) return; // each write finds it out again
    closed = true;
    // Whoever read this is gone. By a signal, since an exit tears down threads that may be computing.
    process.kill(process.pid, 'SIGTERM');
  });
  for (const each of [command, ...command.commands])
    each.exitOverride().showHelpAfterError('(--help lists the flags)');
  try {
    await command.parseAsync(argv as string[], { from: 'user' });
  } catch (error) {
    process.exitCode = report(error);
  }
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // commander has printed it already
  if (error instanceof UserError) {
    process.stderr.write(`\n${plain(error.message)}\n`);
    return error.exitCode;
  }
  process.stderr.write(
    `\nA fault in slipway itself: ${plain(String(error instanceof Error ? error.stack : error))}\n`,
  );
  return 1;
}

/** A message may quote what came from outside: nothing in it may control the terminal. */
function plain(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n]/gu, ' ');
}
