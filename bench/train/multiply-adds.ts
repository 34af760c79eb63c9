import type { LayersModel } from '@tensorflow/tfjs-layers';

/**
 * Multiplications with an addition that one image costs in a training step, counted from the layers' shapes: each
 * convolution and dense layer is a product of matrices forward and two backward, for the gradients of its weights and
 * of its input; the first has no use for the latter.
 */
export function multiplyAddsPerImage(model: LayersModel): number {
  const forward = model.layers.flatMap((layer) => {
    const kernel = layer.weights.find(({ shape }) => shape.length > 1);
    return kernel === undefined ? [] : [sizeOf(kernel.shape) * placesOf(layer.outputShape)];
  });
  return forward.reduce((sum, products, place) => sum + products * (place === 0 ? 2 : 3), 0);
}

/** How often a layer's weights are used for an image: [batch, height, width, channels] or [batch, units]. */
function placesOf(outputShape: unknown): number {
  if (!Array.isArray(outputShape)) throw new Error('a layer has several outputs');
  return sizeOf(outputShape.slice(1, -1));
}

function sizeOf(shape: readonly (number | null)[]): number {
  return shape.reduce((product: number, size) => product * (size ?? 1), 1);
}
