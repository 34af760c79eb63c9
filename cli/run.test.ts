import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';

const endless = `
  import { Command } from '@commander-js/extra-typings';
  import { runCommand } from ${JSON.stringify(new URL('./run.ts', import.meta.url).href)};
  const lines = new Command('lines').action(async () => {
    for (;;) {
      process.stdout.write('line\\n');
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
  await runCommand(lines, []);
`;

test('a command whose reader is gone is ended by a signal, and says nothing', async () => {
  const command = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', endless]);
  const said = text(command.stderr);
  await once(command.stdout, 'data');
  command.stdout.destroy();
  expect(await once(command, 'exit')).toEqual([null, 'SIGTERM']);
  expect(await said).toBe('');
});
