import type { Lowering } from '../graph.ts';
import type { Kernel } from '../kernel.ts';
import { averagePools } from './average-pool.ts';
import { bincounts } from './bincount.ts';
import { broadcasts } from './broadcast.ts';
import { convolutions } from './convolution.ts';
import { convolutionGradients } from './convolution-gradient.ts';
import { crops } from './crop.ts';
import { cumulatives } from './cumulative.ts';
import { depthwiseConvolutions } from './depthwise.ts';
import { dropoutMasks } from './dropout-mask.ts';
import { einsums } from './einsum.ts';
import { elementwise } from './elementwise.ts';
import { fills } from './fill.ts';
import { gathers } from './gather.ts';
import { joins } from './join.ts';
import { leaky } from './leaky.ts';
import { products } from './matmul.ts';
import { normalizations } from './normalization.ts';
import { pads } from './pad.ts';
import { pools } from './pool.ts';
import { argmaxPools } from './pool-argmax.ts';
import { reductions } from './reduce.ts';
import { resizes } from './resize.ts';
import { scatters } from './scatter.ts';
import { searches } from './search.ts';
import { shapes } from './shape.ts';
import { slices } from './slice.ts';
import { suppressions } from './suppression.ts';
import { unary } from './unary.ts';
import { volumes } from './volume.ts';
import { volumePools } from './volume-pool.ts';

/** Every TensorFlow.js kernel that the backend has. */
export const kernels: readonly Kernel[] = [
  ...elementwise,
  ...products,
  ...convolutions,
  ...convolutionGradients,
  ...depthwiseConvolutions,
  ...pools,
  ...argmaxPools,
  ...averagePools,
  ...volumes,
  ...volumePools,
  ...reductions,
  ...shapes,
  ...dropoutMasks,
  ...unary,
  ...einsums,
  ...bincounts,
  ...slices,
  ...scatters,
  ...resizes,
  ...pads,
  ...normalizations,
  ...leaky,
  ...joins,
  ...gathers,
  ...fills,
  ...cumulatives,
  ...broadcasts,
  ...crops,
  ...searches,
  ...suppressions,
];

export const lowerings: ReadonlyMap<string, Lowering> = new Map(
  kernels.map(({ name, lower }) => [name, lower]),
);
