import { Tensor } from 'onnxruntime-node';
import { createSession } from './native.ts';
import { encodeModel } from './onnx.ts';

/** What ONNX Runtime may use: AVX-512, AVX2 and others, NEON. */
const WIDTHS = [16, 8, 4];
const CHANNELS = 32;

let known: { readonly width: number | undefined } | undefined;

/**
 * How many channels ONNX Runtime puts in a block on this processor (`kernels/blocked.ts`); undefined where it has no
 * such convolution. It tells nobody: with each width a small convolution is tried whose result is known.
 */
export function blockWidth(): number | undefined {
  known ??= { width: WIDTHS.find(isRight) };
  return known.width;
}

/** Convolves one pixel, whose channels are 1, 2, 3..., with a filter that doubles the first and hands on the others. */
function isRight(width: number): boolean {
  const x = Float32Array.from({ length: CHANNELS }, (_, channel) => channel + 1);
  const filter = new Float32Array(CHANNELS * CHANNELS);
  const blocks = CHANNELS / width;
  for (let channel = 0; channel < CHANNELS; channel += 1) {
    const [block, place] = [Math.floor(channel / width), channel % width];
    filter[(block * blocks + block) * width * width + place * width + place] = channel === 0 ? 2 : 1;
  }
  try {
    const session = createSession(oneByOne(), { logSeverityLevel: 4, intraOpNumThreads: 1 });
    const shape = [1, CHANNELS, 1, 1];
    const feeds = {
      x: new Tensor('float32', x, shape),
      filter: new Tensor('float32', filter, [CHANNELS, CHANNELS, 1, 1]),
    };
    const result = session.run(feeds, { y: null }, {}).y?.data as Float32Array;
    session.dispose();
    return x.every((value, channel) => result[channel] === (channel === 0 ? 2 * value : value));
  } catch {
    return false; // no such operators here
  }
}

function oneByOne(): Uint8Array {
  const shape = [1, CHANNELS, 1, 1];
  const node = (op: string, inputs: string[], output: string, attributes = {}) => ({
    op: `com.microsoft.nchwc:${op}`,
    name: output,
    inputs,
    outputs: [output],
    attributes,
  });
  return encodeModel({
    nodes: [
      node('ReorderInput', ['x'], 'blocks'),
      node('Conv', ['blocks', 'filter'], 'convolved', {
        kernel_shape: [1, 1],
        strides: [1, 1],
        dilations: [1, 1],
        pads: [0, 0, 0, 0],
        group: 1,
      }),
      node('ReorderOutput', ['convolved'], 'y', { channels: CHANNELS }),
    ],
    initializers: [],
    inputs: [
      { name: 'x', type: 'float32', shape },
      { name: 'filter', type: 'float32', shape: [CHANNELS, CHANNELS, 1, 1] },
    ],
    outputs: [{ name: 'y', type: 'float32', shape }],
  });
}
