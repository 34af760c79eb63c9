#!/usr/bin/env -S npx tsx
/** Get what ONNX Runtime needs for CUDA: npm run setup:cuda */
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Command } from '@commander-js/extra-typings';
import { UserError } from '../cli/errors.ts';
import { runCommand } from '../cli/run.ts';
import { judge } from '../train/device/choose.ts';
import { cudaFiles, hasNvidiaGpu } from '../train/device/hardware.ts';

await runCommand(
  new Command('npm run setup:cuda --')
    .description(
      "Download ONNX Runtime's files for CUDA 12 (some hundred megabytes, from api.nuget.org) into node_modules, " +
        'for Linux on x64. `npm ci` removes them again. The NVIDIA driver, CUDA 12 and cuDNN 9 are yours to install. ' +
        'Behind a proxy, name it in HTTPS_PROXY.',
    )
    .option('--force', 'also where they are there already')
    .action(async ({ force }) => {
      if (process.platform !== 'linux' || process.arch !== 'x64')
        throw new UserError(
          `ONNX Runtime has CUDA files for Linux on x64 only; this is ${process.platform} on ${process.arch}. ` +
            'The device webgpu needs no such files.',
        );
      if (!hasNvidiaGpu())
        say('Warning: no NVIDIA GPU can be opened here (no /dev/nvidia0). Going on all the same.');
      if (force || cudaFiles().missing.length > 0) await install();
      const { folder, missing } = cudaFiles();
      if (missing.length > 0)
        throw new UserError(
          `The download ended well, but ${missing.join(' and ')} did not come to ${folder}.`,
        );
      say(`ONNX Runtime's files for CUDA are in ${folder}`);
      if (hasNvidiaGpu()) say(await trialResult());
    }),
);

/** Lets onnxruntime-node run its own install script, which npm does not do by itself here. */
async function install(): Promise<void> {
  const download = await mkdtemp(join(tmpdir(), 'slipway-cuda-'));
  const npm = spawn(
    'npm',
    ['rebuild', 'onnxruntime-node', '--ignore-scripts=false', '--foreground-scripts'],
    {
      env: {
        GLOBAL_AGENT_HTTPS_PROXY: process.env.HTTPS_PROXY ?? process.env.https_proxy,
        ...process.env,
        ONNXRUNTIME_NODE_INSTALL: 'true', // all that there is for this platform: CUDA 12
        TMPDIR: download,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const progress = setInterval(() => void showSize(download), 500);
  try {
    const said: string[] = [];
    for (const stream of [npm.stdout, npm.stderr])
      createInterface({ input: stream }).on('line', (text) => {
        said.push(text);
        if (/^(Downloading|Extracting) /.test(text)) say(text);
      });
    const code = await new Promise((resolve, reject) => npm.on('close', resolve).on('error', reject));
    if (code !== 0) throw new UserError(reasonIn(said));
  } finally {
    clearInterval(progress);
    await rm(download, { recursive: true, force: true });
  }
}

/** On a terminal, how much has come so far. */
async function showSize(folder: string): Promise<void> {
  if (!process.stdout.isTTY) return;
  const files = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = await Promise.all(files.map((file) => stat(join(folder, file)).catch(() => undefined)));
  const bytes = sizes.reduce((sum, found) => sum + (found?.isFile() ? found.size : 0), 0);
  if (bytes > 0) process.stdout.write(`\r${(bytes / 1e6).toFixed(0)} MB\r`);
}

function reasonIn(said: readonly string[]): string {
  const text = said.join('\n');
  const [, error = 'its script said nothing'] = /^\w*Error: (.*)$/m.exec(text) ?? [];
  const unreachable = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH/.exec(
    text,
  );
  if (unreachable)
    return (
      `api.nuget.org, where the files are, can't be reached: ${error}.\n` +
      'Look at the network, or name a proxy in HTTPS_PROXY, and try again. On a machine that has no network, copy\n' +
      `libonnxruntime_providers_*.so from a machine where this worked to ${cudaFiles().folder}`
    );
  if (/ENOSPC/.test(text))
    return `The disk is full: ${error}. About 2 GB are needed in ${tmpdir()} and here.`;
  return `onnxruntime-node could not get its files for CUDA: ${error}\nTry again; a download may have broken off.`;
}

async function trialResult(): Promise<string> {
  const verdict = await judge('cuda');
  if (verdict.works) return 'The device cuda works here: --device auto will take it.';
  return `The device cuda does not work yet: ${verdict.why}.\n\`npm run doctor\` shows what it needs.`;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
