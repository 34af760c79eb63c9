import { listSupportedBackends } from 'onnxruntime-node';
import type { GpuDevice } from './devices.ts';
import { cudaFiles, gpuNames, hasNvidiaGpu, vulkanDrivers } from './hardware.ts';

/** Why `device` cannot work, where that can be seen without trying it; in words that can stand in a sentence. */
export function missingFor(device: GpuDevice): string | undefined {
  if (!listSupportedBackends().some(({ name }) => name === device))
    return `ONNX Runtime has none for ${process.platform} on ${process.arch}`;
  return device === 'cuda' ? missingForCuda() : missingForWebGpu();
}

function missingForCuda(): string | undefined {
  if (!hasNvidiaGpu()) return 'no NVIDIA GPU';
  if (cudaFiles().missing.length > 0) return 'its files are not installed, `npm run setup:cuda`';
  return undefined;
}

function missingForWebGpu(): string | undefined {
  if (gpuNames().length === 0) return 'no GPU';
  if (process.platform !== 'linux') return undefined;
  const { hardware, software } = vulkanDrivers();
  if (hardware.length > 0) return undefined;
  return software.length > 0 ? 'no Vulkan driver but a software renderer' : 'no Vulkan driver';
}

/** What a person can do to have `device`. */
export function adviceFor(device: GpuDevice): string {
  if (device === 'cuda')
    return "CUDA needs Linux on x64, an NVIDIA driver, CUDA 12 with cuDNN 9, and ONNX Runtime's files: `npm run setup:cuda`.";
  switch (process.platform) {
    case 'linux':
      return (
        'WebGPU needs a GPU that this user may open (/dev/dri/renderD*, /dev/nvidia*), the Vulkan loader ' +
        "(libvulkan.so.1; Debian's package libvulkan1) and the GPU's Vulkan driver file, which VK_DRIVER_FILES can name."
      );
    case 'win32':
      return 'WebGPU needs a GPU with a Direct3D 12 driver.';
    default:
      return 'WebGPU needs a Mac with Apple silicon.';
  }
}

/** The environment in which Vulkan finds GPUs only: no software renderer is taken for one. */
export function withoutSoftwareRenderers(): NodeJS.ProcessEnv {
  const { hardware, software } = vulkanDrivers();
  if (process.platform !== 'linux' || software.length === 0) return {};
  const files = hardware.join(':');
  return { VK_DRIVER_FILES: files, VK_ICD_FILENAMES: files }; // the second is the first's name in old loaders
}
