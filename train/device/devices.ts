/** What a training can run on. Light to load: the command line reads it before any of the engine is there. */

export const devices = ['auto', 'cpu', 'webgpu', 'cuda', 'tensorflow'] as const;
export type Device = (typeof devices)[number];

/** A device of ONNX Runtime that needs more than a processor. */
export type GpuDevice = 'cuda' | 'webgpu';

/** A line on each, for `--help` and for the doctor. */
export const deviceDescriptions: Readonly<Record<Device, string>> = {
  auto: 'cuda, else webgpu, else cpu: the first that works here',
  cpu: 'ONNX Runtime on the processor',
  webgpu: 'ONNX Runtime on any GPU, by Vulkan (Linux), Direct3D 12 (Windows) or Metal (macOS)',
  cuda: 'ONNX Runtime on an NVIDIA GPU (Linux on x64)',
  tensorflow: "TensorFlow's own library, from @tensorflow/tfjs-node-gpu or @tensorflow/tfjs-node",
};
