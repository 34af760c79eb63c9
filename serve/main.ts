import { constants } from 'node:os';
import { Command, Option } from '@commander-js/extra-typings';
import { type Logger, pino } from 'pino';
import { collectDefaultMetrics } from 'prom-client';
import { UsageError } from '../cli/errors.ts';
import { runCommand } from '../cli/run.ts';
import { datasetLabel } from '../registry/manifest.ts';
import { openRegistry } from '../registry/open.ts';
import { createApp } from './app.ts';
import { banner } from './banner.ts';
import { type Listening, listen } from './listen.ts';
import { createMetrics } from './metrics.ts';
import { type LoadedModel, loadModel } from './model.ts';
import { defaultLimits, Serving } from './state.ts';

/** Longer than a request may take, shorter than the 30 s after which Kubernetes kills. */
const drainDeadlineMs = 25_000;

const command = new Command('npm run serve --')
  .description('Serve one version of a model from the registry.')
  .option('--model <name@alias>', 'which version: NAME@ALIAS or NAME@NUMBER', 'mnist@live')
  .addOption(
    new Option('--registry <url>', 'where the versions are (default: .slipway)').env('SLIPWAY_REGISTRY'),
  )
  .addOption(
    new Option(
      '--port <port>',
      'port to listen on, 0 for a free one (default: PREDICTIVE_UNIT_HTTP_SERVICE_PORT, else 8080)',
    )
      .env('PORT')
      .argParser(parsePort),
  )
  .addOption(
    new Option('--host <host>', 'address to listen on; 0.0.0.0 for all')
      .env('HOST')
      .default('127.0.0.1')
      .argParser(parseHost),
  )
  .addOption(
    new Option('--log-level <level>', 'default: info, on a terminal warn')
      .env('LOG_LEVEL')
      .choices(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
  )
  .action((options) => serve(options));

// An empty variable is one that is not set: compose files and charts leave them so.
for (const { envVar } of command.options)
  if (envVar !== undefined && process.env[envVar] === '') delete process.env[envVar];
await runCommand(command);

interface Options {
  model: string;
  registry?: string | undefined;
  port?: number | undefined;
  host: string;
  logLevel?: string | undefined;
}

async function serve({ model, registry: url, port = portFromSeldon(), host, logLevel }: Options) {
  // Synchronous: what pino holds back it would at exit try to write for ever to a pipe that nobody reads any more.
  const destination = pino.destination({ sync: true });
  const log = pino({ level: logLevel ?? (process.stdout.isTTY ? 'warn' : 'info') }, destination);
  // A parent process reads where the server listens from these, so no log level hides them from it.
  const events = process.stdout.isTTY ? log : log.child({}, { level: 'info' });
  const serving = new Serving();
  const metrics = createMetrics(serving);
  collectDefaultMetrics({ register: metrics.registry });
  const app = createApp({ serving, metrics, log, limits: defaultLimits });

  // Listening comes first: a slow load must answer "alive" and "not ready", or it would be killed for silence.
  const listening = await listen(app, port, host);
  events.info({ event: 'loading', url: listening.url, model }, 'listening, loading the model');
  drainWhenTold(serving, listening, events);
  try {
    serving.model = await load(model, url);
  } catch (error) {
    await listening.close(0); // else the process would stay, never ready
    throw error;
  }
  if (serving.ready) announce(serving.model, listening.url, events);
}

async function load(reference: string, url: string | undefined): Promise<LoadedModel> {
  const registry = openRegistry(url);
  const manifest = await registry.resolve(reference);
  return loadModel({ manifest, readFile: (path) => registry.readFile(manifest, path) });
}

/** A parent process waits for the line with event "listening": the server is then ready. */
function announce(
  { manifest: { model, version, dataset }, contract }: LoadedModel,
  url: string,
  events: Logger,
) {
  if (process.stdout.isTTY) {
    process.stdout.write(banner({ url, model, version, dataset, contract }));
    return;
  }
  events.info(
    { event: 'listening', url, model, version, dataset: datasetLabel(dataset), synthetic: dataset.synthetic },
    `serving ${model} version ${version}, trained on ${datasetLabel(dataset)}`,
  );
}

/** Ready turns false, requests in flight end, the process ends by itself; a second signal does not wait. */
function drainWhenTold(serving: Serving, { close }: Listening, events: Logger) {
  const drain = async (reason: string) => {
    serving.draining = true;
    events.info({ event: 'draining', reason }, 'shutting down');
    await close(drainDeadlineMs);
    await serving.model?.release();
    events.info({ event: 'stopped' }, 'stopped');
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      if (serving.draining) process.exit(128 + constants.signals[signal]);
      void drain(signal);
    });
  onParentGone(() => {
    if (!serving.draining) void drain('the parent process is gone');
  });
}

/** A parent that starts the server with an IPC channel (stdio 'ipc') must not be outlived by it, however it ends. */
function onParentGone(act: () => void) {
  if (!process.send) return; // no channel: a shell or a container started this process
  process.once('disconnect', act);
  process.channel?.unref(); // listening for the end of the channel is no reason to stay
  if (!process.connected) act(); // gone before this line
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^[0-9]{1,5}$/.test(text) && port <= 65_535) return port;
  throw new UsageError(`Expected a port between 0 and 65535, got "${text}".`);
}

/** Node would take an empty host for every interface. */
function parseHost(text: string): string {
  if (text.trim() !== '') return text;
  throw new UsageError('Expected an address to listen on, such as 127.0.0.1, got nothing.');
}

/** A SeldonDeployment tells its containers the port in this variable. */
function portFromSeldon(): number {
  return parsePort(process.env.PREDICTIVE_UNIT_HTTP_SERVICE_PORT || '8080');
}
