// A thread that runs a product of matrices for as many seconds as it is sent, and answers with runs per second. It is
// JavaScript because a worker thread doesn't inherit what runs TypeScript, and is there sooner without.
import { parentPort, workerData } from 'node:worker_threads';
import { InferenceSession, Tensor } from 'onnxruntime-node';

const { model, options, values, shape } = workerData;
const session = await InferenceSession.create(model, options);
const feeds = { a: new Tensor('float32', values, shape) };

parentPort.on('message', async (seconds) => {
  const started = performance.now();
  let runs = 0;
  let taken = 0;
  while (taken < seconds) {
    await session.run(feeds);
    runs += 1;
    taken = (performance.now() - started) / 1000;
  }
  parentPort.postMessage(runs / taken);
});
