import type { Middleware } from 'koa';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { datasetLabel } from '../registry/manifest.ts';
import type { RequestState, Serving } from './state.ts';

/** What Prometheus reads at /metrics. */
export interface Metrics {
  readonly registry: Registry;
  /** A judgement of an earlier answer; `reward` is whatever scale the caller uses. */
  feedback(reward: number): void;
  readonly middleware: Middleware<RequestState>;
}

export function createMetrics(serving: Serving): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({
    name: 'slipway_requests_total',
    help: 'Requests answered, by protocol (other: health, metadata, metrics) and HTTP status.',
    labelNames: ['protocol', 'status'] as const,
    registers,
  });
  const seconds = new Histogram({
    name: 'slipway_request_duration_seconds',
    help: 'From the first byte of a prediction request to its answer.',
    labelNames: ['protocol'] as const,
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers,
  });
  const rows = new Counter({
    name: 'slipway_rows_total',
    help: 'Rows predicted.',
    labelNames: ['protocol'] as const,
    registers,
  });
  const feedbacks = new Counter({ name: 'slipway_feedback_total', help: 'Feedback received.', registers });
  // A gauge because rewards may be negative.
  const reward = new Gauge({ name: 'slipway_feedback_reward', help: 'Sum of all rewards.', registers });
  registerState(serving, registers);

  return {
    registry,
    feedback(value) {
      feedbacks.inc();
      reward.inc(value);
    },
    middleware: async (ctx, next) => {
      const start = performance.now();
      await next();
      const protocol = ctx.state.protocol ?? 'other';
      requests.inc({ protocol, status: ctx.status });
      if (ctx.state.protocol) seconds.observe({ protocol }, (performance.now() - start) / 1000);
      if (ctx.state.rows) rows.inc({ protocol }, ctx.state.rows);
    },
  };
}

/** Read when Prometheus asks, so that they never lag behind. */
function registerState(serving: Serving, registers: Registry[]) {
  new Gauge({
    name: 'slipway_ready',
    help: '1 when a model is loaded and warm and the server is not shutting down.',
    registers,
    collect() {
      this.set(serving.ready ? 1 : 0);
    },
  });
  new Gauge({
    name: 'slipway_model_info',
    help: 'The version that is served; always 1.',
    labelNames: ['model', 'version', 'dataset', 'synthetic'] as const,
    registers,
    collect() {
      this.reset();
      if (!serving.model) return;
      const { model, version, dataset } = serving.model.manifest;
      this.set({ model, version, dataset: datasetLabel(dataset), synthetic: String(dataset.synthetic) }, 1);
    },
  });
}
