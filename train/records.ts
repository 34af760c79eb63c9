/** What training and evaluation leave behind, as it is written to files and shown in the report. */
import { z } from 'zod';

const share = z.number().min(0).max(1);
const count = z.int().min(0);

/** What one epoch of training came to. Losses are mean cross-entropy in nats. */
export const epochFiguresSchema = z.strictObject({
  epoch: z.int().min(1),
  loss: z.number(),
  accuracy: share,
  validationLoss: z.number(),
  validationAccuracy: share,
  /** At the epoch's last step. */
  learningRate: z.number(),
});

/** How its time went: this depends on the machine, and says nothing of the model. */
export const epochTimeSchema = z.strictObject({ seconds: z.number(), imagesPerSecond: z.number() });

export const epochSchema = z.strictObject({ ...epochFiguresSchema.shape, ...epochTimeSchema.shape });

const classResultSchema = z.strictObject({
  name: z.string(),
  images: count,
  /** Of the answers with this class, the share that was right; 0 where there was none. */
  precision: share,
  /** Of the images of this class, the share that was found; 0 where there is none. */
  recall: share,
});

/** Of the answers whose confidence fell into one bin: how sure and how right they were. */
const calibrationBinSchema = z.strictObject({ confidence: share, accuracy: share, images: count });

const mistakeSchema = z.strictObject({
  /** Place in the test set. */
  index: count,
  actual: count,
  predicted: count,
  /** The probability given to `predicted`. */
  probability: share,
  /** 28x28 grey values, 255 is ink, base64. */
  pixels: z.string(),
});

/** What the model did on the test set: `evaluation.json`. */
export const evaluationSchema = z.strictObject({
  images: count,
  accuracy: share,
  /** Mean cross-entropy, nats. */
  loss: z.number(),
  /** Expected calibration error over `calibration`'s bins. */
  ece: share,
  /** `confusion[actual][predicted]`: counts. */
  confusion: z.array(z.array(count)),
  classes: z.array(classResultSchema),
  /** Bins of confidence, lowest first; empty ones are left out. */
  calibration: z.array(calibrationBinSchema),
  /** The wrong answers that the model was surest of, worst first. */
  mistakes: z.array(mistakeSchema),
});

export type Epoch = z.infer<typeof epochSchema>;
export type Evaluation = z.infer<typeof evaluationSchema>;
export type ClassResult = z.infer<typeof classResultSchema>;
export type CalibrationBin = z.infer<typeof calibrationBinSchema>;
export type Mistake = z.infer<typeof mistakeSchema>;
