/** A thread that multiplies large matrices for as many seconds as it is sent, and answers with GFLOP/s. */
import { parentPort, workerData } from 'node:worker_threads';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { encodeModel } from '../../train/backend/onnx.ts';
import { sessionOptions } from '../../train/backend/sessions.ts';

/** [ROWS, INNER] x [INNER, COLUMNS]: as large as the products of a training step, and larger than the caches. */
const [ROWS, INNER, COLUMNS] = [512, 1600, 1024];

if (parentPort === null) throw new Error('multiplier.ts is for worker threads');
const port = parentPort;
const { threads } = workerData as { readonly threads: number };
const session = await InferenceSession.create(product(), sessionOptions({ threads }));
const a = new Tensor('float32', filled(ROWS * INNER), [ROWS, INNER]);

port.on('message', async (seconds: number) => {
  let products = 0;
  const started = performance.now();
  let milliseconds = 0;
  while (milliseconds < seconds * 1000) {
    await session.run({ a });
    products += 1;
    milliseconds = performance.now() - started;
  }
  port.postMessage((products * 2 * ROWS * INNER * COLUMNS) / milliseconds / 1e6);
});

/** The second factor is a constant, which ONNX Runtime arranges for its kernel beforehand. */
function product(): Uint8Array {
  const b = filled(INNER * COLUMNS);
  return encodeModel({
    nodes: [{ op: 'MatMul', name: 'product', inputs: ['a', 'b'], outputs: ['c'], attributes: {} }],
    initializers: [{ name: 'b', type: 'float32', shape: [INNER, COLUMNS], bytes: new Uint8Array(b.buffer) }],
    inputs: [{ name: 'a', type: 'float32', shape: [ROWS, INNER] }],
    outputs: [{ name: 'c', type: 'float32', shape: [ROWS, COLUMNS] }],
  });
}

function filled(size: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: size }, (_, place) => ((place % 97) - 48) / 97);
}
