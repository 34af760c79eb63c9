import type { GraphBuilder } from './graph.ts';
import { type Call, identityOf, type Value } from './value.ts';

/** ONNX Runtime refused a recorded computation, or failed to run it. */
export class KernelFailed extends Error {
  override readonly name = 'KernelFailed';
  constructor(
    /** The call that failed, as people read it, or undefined where ONNX Runtime doesn't say. */
    readonly call: string | undefined,
    doing: 'compile' | 'run',
    override readonly cause: unknown,
  ) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(`ONNX Runtime could not ${doing} ${call ?? 'the recorded computation'}: ${reason}`);
  }
}

/** What the nodes of a graph came from, for error messages: by node name, the call as people read it. */
export function callsByNode(graph: GraphBuilder): ReadonlyMap<string, string> {
  return new Map([...graph.origins].map(([node, value]) => [node, described(value)]));
}

/** `error`, told in terms of the recorded call that it is about. */
export function explained(
  error: unknown,
  doing: 'compile' | 'run',
  calls: ReadonlyMap<string, string>,
): KernelFailed {
  const message = error instanceof Error ? error.message : String(error);
  const node = message.match(/\w+\/t\d+/g)?.find((name) => calls.has(name));
  return new KernelFailed(node && calls.get(node), doing, error);
}

/** For example `GatherV2(float32[4], int32[1]) {"axis":0} -> float32[1]`. */
function described({ source, dtype, shape }: Value): string {
  if (source.kind === 'data') return `data ${dtype}[${shape}]`;
  const { kernel, inputs, attributes }: Call = source.call;
  const types = inputs.map((input) => `${input.dtype}[${input.shape}]`).join(', ');
  return `${kernel}(${types}) ${identityOf(attributes)} -> ${dtype}[${shape}]`;
}
