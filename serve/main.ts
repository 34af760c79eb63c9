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
import { close, type Listening, listen } from './listen.ts';
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
    new Option('--host <host>', 'address to listen on; 0.0.0.0 for all').env('HOST').default('127.0.0.1'),
  )
  .addOption(
    new Option('--log-level <level>', 'default: info, on a terminal warn')
      .env('LOG_LEVEL')
      .choices(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
  )
  .action((options) => serve(options));

await runCommand(command);

interface Options {
  model: string;
  registry?: string | undefined;
  port?: number | undefined;
  host: string;
  logLevel?: string | undefined;
}

async function serve({ model, registry: url, port = portFromSeldon(), host, logLevel }: Options) {
  const log = pino({ level: logLevel ?? (process.stdout.isTTY ? 'warn' : 'info') });
  // A parent process reads where the server listens from these, so no log level hides them from it.
  const events = process.stdout.isTTY ? log : log.child({}, { level: 'info' });
  const serving = new Serving();
  const metrics = createMetrics(serving);
  collectDefaultMetrics({ register: metrics.registry });
  const app = createApp({ serving, metrics, log, limits: defaultLimits });

  // Listening comes first: a slow load must answer "alive" and "not ready", or it would be killed for silence.
  const listening = await listen(app, port, host);
  events.info({ event: 'loading', url: listening.url, model }, 'listening, loading the model');
  drainOnSignal(serving, listening, events);
  try {
    serving.model = await load(model, url);
  } catch (error) {
    await close(listening.server, 0); // else the process would stay, never ready
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
function drainOnSignal(serving: Serving, { server }: Listening, events: Logger) {
  const drain = async (signal: NodeJS.Signals) => {
    if (serving.draining) process.exit(128 + constants.signals[signal]);
    serving.draining = true;
    events.info({ event: 'draining', signal }, 'shutting down');
    await close(server, drainDeadlineMs);
    await serving.model?.release();
    events.info({ event: 'stopped' }, 'stopped');
    process.exit(0);
  };
  process.on('SIGTERM', drain);
  process.on('SIGINT', drain);
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^[0-9]{1,5}$/.test(text) && port <= 65_535) return port;
  throw new UsageError(`Expected a port between 0 and 65535, got "${text}".`);
}

/** A SeldonDeployment tells its containers the port in this variable. */
function portFromSeldon(): number {
  return parsePort(process.env.PREDICTIVE_UNIT_HTTP_SERVICE_PORT || '8080');
}
