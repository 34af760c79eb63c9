import type { TestResult } from './suite.ts';

/** Tests of TensorFlow.js that this backend does not pass, and why that is right. All the patterns given must match. */
export interface Exclusion {
  /** The file, as `ops/add`. */
  readonly file?: RegExp;
  /** The test's full name. */
  readonly test?: RegExp;
  /** One of the messages with which it failed: for what is spread over many files, tests that pass included. */
  readonly failure?: RegExp;
  readonly reason: string;
}

export const exclusions: readonly Exclusion[] = [
  {
    failure: /no (tensors|values) of type string/,
    reason: 'text is prepared in JavaScript before it becomes a tensor: there are no string tensors',
  },
  {
    failure: /Kernel 'Complex' not registered|no tensors of type complex64/,
    reason: 'there are no complex numbers, and so no Fourier transforms',
  },
  {
    failure: /Kernel '(SparseFillEmptyRows|SparseReshape|SparseSegmentMean|SparseSegmentSum)' not registered/,
    reason: 'sparse tensors as lists of indices belong to TensorFlow models with embedding columns',
  },
  {
    failure: /Kernel 'Ragged(Gather|Range|TensorToTensor)' not registered/,
    reason: 'ragged tensors belong to text models converted from TensorFlow',
  },
  {
    file: /^ops\/exp$/,
    test: /^exp int32$/,
    reason: 'exp(10) differs in the last bit of a float32, which is 0.002 there, and 0.001 is allowed',
  },
  {
    file: /^ops\/tan$/,
    test: /numbers exceed float32 precision/,
    reason: 'next to the pole, a value of 30144 differs in the last bit of a float32',
  },
  {
    test: /^conv2d gradient .* NCHW$/,
    failure: /Conv2DBackpropInput: it has no data format NCHW/,
    reason: 'layers that have their channels first change the layout themselves, and train with NHWC',
  },
  {
    file: /^ops\/conv2d_transpose$/,
    test: /output=4x4x8,f=8,s=1,inDepth=8,p=same vec4$/,
    reason:
      'no convolution of the asked for 4x4 image gives the 8x8 input: shapes that contradict are refused',
  },
  {
    failure: /Kernel 'Dilation2D' not registered/,
    reason: 'no layer has a morphological dilation',
  },
  {
    failure: /Kernel 'Transform' not registered/,
    reason: 'no layer turns or warps images: those to train with are changed before they become tensors',
  },
  {
    failure: /Kernel 'Multinomial' not registered/,
    reason: 'no layer, loss or metric draws from the probabilities that it is given',
  },
  {
    file: /^ops\/gather$/,
    test: /^gather throws when index is out of bound$/,
    reason: 'indices are looked at when the result is asked for, and it is then that bad ones are an error',
  },
];

export function excludes({ file, test, failure }: Exclusion, result: TestResult): boolean {
  return (
    (file?.test(result.file) ?? true) &&
    (test?.test(result.name) ?? true) &&
    (failure === undefined || result.failures.some((message) => failure.test(message)))
  );
}
