import { ROW_SIZE } from './model/presets.ts';
import { accuracyOf, answersOf, crossEntropy } from './predict.ts';
import type { CalibrationBin, ClassResult, Evaluation, Mistake } from './records.ts';

const BINS = 15;
const MISTAKES_SHOWN = 24;

interface TestSet {
  /** [count, 784] grey values. */
  readonly images: Uint8Array;
  readonly labels: Uint8Array;
  readonly classes: readonly string[];
}

/** Compares `probabilities` [count, classes] with the labels. */
export function evaluate(probabilities: Float32Array, { images, labels, classes }: TestSet): Evaluation {
  const answers = answersOf(probabilities, classes.length);
  const confidence = Float32Array.from(
    answers,
    (answer, i) => probabilities[i * classes.length + answer] ?? 0,
  );
  const confusion = confusionOf(answers, labels, classes.length);
  const calibration = calibrationOf(confidence, answers, labels);
  return {
    images: labels.length,
    accuracy: accuracyOf(answers, labels),
    loss: crossEntropy(probabilities, labels, classes.length),
    ece: expectedCalibrationError(calibration),
    confusion,
    classes: classes.map((name, i) => classResult(name, i, confusion)),
    calibration,
    mistakes: mistakesOf(answers, confidence, labels, images),
  };
}

function confusionOf(answers: Uint8Array, labels: Uint8Array, classes: number): number[][] {
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  labels.forEach((label, i) => {
    const row = counts[label] ?? [];
    const answer = answers[i] ?? 0;
    row[answer] = (row[answer] ?? 0) + 1;
  });
  return counts;
}

function classResult(name: string, index: number, confusion: readonly (readonly number[])[]): ClassResult {
  const right = confusion[index]?.[index] ?? 0;
  const images = (confusion[index] ?? []).reduce((sum, count) => sum + count, 0);
  const answered = confusion.reduce((sum, row) => sum + (row[index] ?? 0), 0);
  return { name, images, precision: answered && right / answered, recall: images && right / images };
}

/** Bins of equal width over confidence, as in Guo et al., "On Calibration of Modern Neural Networks" (arXiv:1706.04599). */
function calibrationOf(confidence: Float32Array, answers: Uint8Array, labels: Uint8Array): CalibrationBin[] {
  const bins = Array.from({ length: BINS }, () => ({ confidence: 0, right: 0, images: 0 }));
  confidence.forEach((sure, i) => {
    const bin = bins[Math.min(BINS - 1, Math.floor(sure * BINS))];
    if (bin === undefined) return;
    bin.confidence += sure;
    bin.right += Number(answers[i] === labels[i]);
    bin.images += 1;
  });
  return bins
    .filter(({ images }) => images > 0)
    .map(({ confidence: sum, right, images }) => ({
      confidence: sum / images,
      accuracy: right / images,
      images,
    }));
}

/** The mean distance between confidence and accuracy, weighted by the bins' images (Guo et al., equation 3). */
function expectedCalibrationError(bins: readonly CalibrationBin[]): number {
  const images = bins.reduce((sum, bin) => sum + bin.images, 0);
  return bins.reduce((sum, bin) => sum + (bin.images / images) * Math.abs(bin.confidence - bin.accuracy), 0);
}

function mistakesOf(
  answers: Uint8Array,
  confidence: Float32Array,
  labels: Uint8Array,
  images: Uint8Array,
): Mistake[] {
  return Array.from(labels, (actual, index) => ({
    index,
    actual,
    predicted: answers[index] ?? 0,
    probability: confidence[index] ?? 0,
  }))
    .filter(({ actual, predicted }) => actual !== predicted)
    .sort((a, b) => b.probability - a.probability)
    .slice(0, MISTAKES_SHOWN)
    .map((mistake) => ({
      ...mistake,
      pixels: Buffer.from(images.subarray(mistake.index * ROW_SIZE, (mistake.index + 1) * ROW_SIZE)).toString(
        'base64',
      ),
    }));
}
