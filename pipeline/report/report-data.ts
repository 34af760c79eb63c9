import type { GateDecision } from '../../registry/gate.ts';
import type { ContractCheck, Draft, Parity } from '../../registry/manifest.ts';
import type { Validation } from '../../train/data/validate.ts';
import type { Epoch, Evaluation } from '../../train/records.ts';

/** All that the report of one run shows. Times are in seconds, sizes in bytes, digests SHA-256 in hexadecimal. */
export interface ReportData {
  readonly run: string;
  /** ISO 8601, UTC. */
  readonly started: string;
  readonly seconds: number;
  readonly code: Draft['code'];
  readonly model: string;
  /** `null` when the run ended before a version was published. */
  readonly version: number | null;
  readonly alias: string;
  /** Whether `alias` pointed at this version when the run ended. */
  readonly promoted: boolean;
  readonly dataset: ReportDataset;
  readonly preset: string;
  readonly parameters: Draft['parameters'];
  /** Trainable weights. */
  readonly parameterCount: number;
  /** What the model was trained on, such as "onnxruntime 1.30 cpu, 2 threads". */
  readonly backend: string;
  readonly epochs: readonly Epoch[];
  readonly evaluation: Evaluation;
  /** Of the version that `alias` pointed at before; `null` when there was none, or it had another test set. */
  readonly championAccuracy: number | null;
  readonly parity: Parity;
  readonly contract: ContractCheck;
  /** `null` when the gate was not evaluated. */
  readonly gate: GateDecision | null;
  readonly files: readonly ReportFile[];
  readonly stages: readonly ReportStage[];
  /** Version by name: `node` and each package that had a part in the result. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface ReportDataset {
  readonly name: string;
  readonly title: string;
  readonly synthetic: boolean;
  /** Images that the weights were learnt from, without those of `validation`. */
  readonly train: number;
  readonly validation: number;
  readonly test: number;
  readonly trainDigest: string;
  readonly testDigest: string;
  readonly figures: Validation;
}

export interface ReportFile {
  readonly path: string;
  readonly bytes: number;
  readonly digest: string;
}

export interface ReportStage {
  readonly name: string;
  readonly outcome: 'ran' | 'cached';
  readonly seconds: number;
}
