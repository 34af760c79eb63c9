#!/usr/bin/env -S npx tsx
/** What this machine can train on: npm run doctor */
import { basename } from 'node:path';
import { Command } from '@commander-js/extra-typings';
import { runCommand } from '../cli/run.ts';
import { deviceDescriptions } from '../train/device/devices.ts';
import { examineDevices, examineMachine } from '../train/device/examine.ts';

/** The width of the names. */
const COLUMN = 15;

await runCommand(
  new Command('npm run doctor --')
    .description(
      'Show what this machine can train on: each device, whether it works, and what to do where it does not.\n' +
        'A GPU that is there is tried with a few steps of training, which takes some seconds.',
    )
    .option('--json', 'one JSON object')
    .action(async ({ json }) => {
      const machine = examineMachine();
      if (!json) process.stdout.write(machineText(machine)); // at once: trying the devices may take a while
      const examined = await examineDevices();
      process.stdout.write(
        json ? `${JSON.stringify({ machine, ...examined }, null, 2)}\n` : devicesText(examined),
      );
    }),
);

function machineText({ vulkan, onnxRuntime, ...machine }: ReturnType<typeof examineMachine>): string {
  const drivers = [
    ...(vulkan?.hardware ?? []).map((file) => basename(file)),
    ...(vulkan?.software ?? []).map((file) => `${basename(file)} (software)`),
  ];
  const providers = onnxRuntime.providers
    .filter(({ name, bundled }) => bundled || (name === 'cuda' && onnxRuntime.cudaFiles.missing.length === 0))
    .map(({ name }) => name);
  return [
    line('Node', `${machine.node}, ${machine.system}`),
    line('CPU', [machine.cpu, `${machine.cores} cores`, ...(machine.vectors ?? [])].join(', ')),
    line('memory', `${machine.memoryGiB} GiB`),
    line('GPU', machine.gpus.join(', ') || 'none that can be opened'),
    vulkan === null ? '' : line('Vulkan', drivers.join(', ') || 'no driver file'),
    line('ONNX Runtime', `${onnxRuntime.version} with ${providers.join(', ')}`),
    '\n',
  ].join('');
}

function devicesText({ devices, auto }: Awaited<ReturnType<typeof examineDevices>>): string {
  const blocks = devices.map(
    ({ device, works, found, advice }) =>
      line(`${works ? '✓' : '✗'} ${device}`, deviceDescriptions[device]) +
      line('', works ? found : `does not work: ${found}`) +
      (advice === '' ? '' : line('', advice)),
  );
  const reason = auto.why === '' ? '' : ` (${auto.why})`;
  return `${blocks.join('\n')}\n${line('auto takes', `${auto.device}${reason}`)}`;
}

/** `name` in a column of its own, `value` beside it, on as many lines as a terminal needs. */
function line(name: string, value: string): string {
  const width = Math.max(40, (process.stdout.columns ?? 120) - COLUMN);
  const lines = [''];
  for (const word of value.split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last !== '' && last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines.map((text, i) => `${(i === 0 ? name : '').padEnd(COLUMN)}${text}\n`).join('');
}
