import type { GraphBuilder, Ref } from '../graph.ts';
import { inputOf, type Kernel, type LoweredCall } from '../kernel.ts';
import { image } from '../layout.ts';
import { convolutionKernel, fusedConvolutionKernel } from './convolution.ts';
import { filterGradientKernel, inputGradientKernel, lowerFilterGradient } from './convolution-gradient.ts';
import { geometryOf } from './geometry.ts';
import { coveredGradient } from './pool.ts';
import { padded, placesOf } from './windows.ts';

/**
 * The gradient of a depthwise filter [height, width, channels, multiplier]: for each of its taps, the sum over all
 * windows of the pixel under the tap times the window's gradient. Measured at a quarter of the time of a grouped
 * convolution with the batch as its channels.
 */
function lowerDepthwiseFilterGradient(graph: GraphBuilder, call: LoweredCall): Ref {
  const { strides, pads, groups } = geometryOf(call.attributes);
  if (groups === 1) return lowerFilterGradient(graph, call);
  const [x, dy] = [inputOf(call, 0), inputOf(call, 1)];
  const [height, width, channels, multiplier] = image(call.shape);
  const gradient = coveredGradient(graph, dy);
  const [batch, outHeight, outWidth] = image(gradient.shape);
  const [strideY = 1, strideX = 1] = strides;

  const windows = batch * outHeight * outWidth;
  const weights = graph.reshape(gradient.ref, [windows, channels, multiplier]);
  const source = padded(graph, graph.ref(x), { pads }, 0);
  const taps = placesOf(graph, source, { window: [height, width], strides: [strideY, strideX] }, [
    outHeight,
    outWidth,
  ]).map((pixels) => {
    const products = graph.op('Mul', [graph.reshape(pixels, [windows, channels, 1]), weights]);
    return graph.op('ReduceSum', [products, graph.ints([0])], { keepdims: 1 });
  });
  return graph.reshape(graph.op('Concat', taps, { axis: 0 }), call.shape);
}

const depthwise = { depthwise: true };

/** Convolutions of each channel by itself, with `multiplier` results for each. */
export const depthwiseConvolutions: readonly Kernel[] = [
  convolutionKernel('DepthwiseConv2dNative', depthwise),
  fusedConvolutionKernel('FusedDepthwiseConv2D', depthwise),
  inputGradientKernel('DepthwiseConv2dNativeBackpropInput', depthwise),
  filterGradientKernel('DepthwiseConv2dNativeBackpropFilter', depthwise, lowerDepthwiseFilterGradient),
];
