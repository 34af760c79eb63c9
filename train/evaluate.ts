/** What the model did on the test set; written to `evaluation.json` and shown in the report. */
export interface Evaluation {
  readonly images: number;
  readonly accuracy: number;
  /** Mean cross-entropy, nats. */
  readonly loss: number;
  /** Expected calibration error over `calibration`'s bins, in [0,1]. */
  readonly ece: number;
  /** `confusion[actual][predicted]`: counts. */
  readonly confusion: readonly (readonly number[])[];
  readonly classes: readonly ClassResult[];
  readonly calibration: readonly CalibrationBin[];
  /** The wrong answers that the model was surest of, worst first. */
  readonly mistakes: readonly Mistake[];
}

export interface ClassResult {
  readonly name: string;
  readonly images: number;
  readonly precision: number;
  readonly recall: number;
}

/** Of the answers whose confidence fell into one bin: how sure and how right they were. Empty bins are left out. */
export interface CalibrationBin {
  readonly confidence: number;
  readonly accuracy: number;
  readonly images: number;
}

export interface Mistake {
  /** Place in the test set. */
  readonly index: number;
  readonly actual: number;
  readonly predicted: number;
  /** The probability given to `predicted`. */
  readonly probability: number;
  /** 28x28 grey values, 255 is ink, base64. */
  readonly pixels: string;
}
