import type { Lowering } from '../graph.ts';
import type { Kernel } from '../kernel.ts';
import { convolutions } from './convolution.ts';
import { convolutionGradients } from './convolution-gradient.ts';
import { elementwise } from './elementwise.ts';
import { products } from './matmul.ts';
import { pools } from './pool.ts';
import { reductions } from './reduce.ts';
import { shapes } from './shape.ts';

/** Every TensorFlow.js kernel that the backend has. */
export const kernels: readonly Kernel[] = [
  ...elementwise,
  ...products,
  ...convolutions,
  ...convolutionGradients,
  ...pools,
  ...reductions,
  ...shapes,
];

export const lowerings: ReadonlyMap<string, Lowering> = new Map(
  kernels.map(({ name, lower }) => [name, lower]),
);
