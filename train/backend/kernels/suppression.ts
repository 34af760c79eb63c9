import {
  kernel_impls,
  type NonMaxSuppressionV3Attrs,
  type NonMaxSuppressionV4Attrs,
  type NonMaxSuppressionV5Attrs,
} from '@tensorflow/tfjs-core';
import type { Kernel } from '../kernel.ts';
import { dataValue, type TypedArray, type Value } from '../value.ts';
import { immediate } from './immediate.ts';

const indices = (selected: readonly number[]) =>
  dataValue([selected.length], 'int32', Int32Array.from(selected));

/** `select` takes boxes [n, 4] and their scores [n]. */
function suppression<Attributes>(
  name: string,
  select: (boxes: TypedArray, scores: TypedArray, attributes: Attributes) => Value | Value[],
): Kernel {
  return immediate<'boxes' | 'scores', Attributes>(name, ({ boxes, scores }, attributes, read) =>
    select(read(boxes), read(scores), attributes),
  );
}

const plain = suppression<NonMaxSuppressionV3Attrs>(
  'NonMaxSuppressionV3',
  (boxes, scores, { maxOutputSize, iouThreshold, scoreThreshold }) =>
    indices(
      kernel_impls.nonMaxSuppressionV3Impl(boxes, scores, maxOutputSize, iouThreshold, scoreThreshold)
        .selectedIndices,
    ),
);

const toOneLength = suppression<NonMaxSuppressionV4Attrs>(
  'NonMaxSuppressionV4',
  (boxes, scores, { maxOutputSize, iouThreshold, scoreThreshold, padToMaxOutputSize }) => {
    const { selectedIndices, validOutputs = 0 } = kernel_impls.nonMaxSuppressionV4Impl(
      boxes,
      scores,
      maxOutputSize,
      iouThreshold,
      scoreThreshold,
      padToMaxOutputSize,
    );
    return [indices(selectedIndices), dataValue([], 'int32', Int32Array.of(validOutputs))];
  },
);

const withScores = suppression<NonMaxSuppressionV5Attrs>(
  'NonMaxSuppressionV5',
  (boxes, scores, { maxOutputSize, iouThreshold, scoreThreshold, softNmsSigma }) => {
    const { selectedIndices, selectedScores = [] } = kernel_impls.nonMaxSuppressionV5Impl(
      boxes,
      scores,
      maxOutputSize,
      iouThreshold,
      scoreThreshold,
      softNmsSigma,
    );
    return [
      indices(selectedIndices),
      dataValue([selectedScores.length], 'float32', Float32Array.from(selectedScores)),
    ];
  },
);

/** TensorFlow.js's own selection of boxes that don't overlap: it goes on from each choice to the next. */
export const suppressions: readonly Kernel[] = [plain, toOneLength, withScores];
