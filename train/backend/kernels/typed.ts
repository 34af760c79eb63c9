import type { GraphBuilder, Ref } from '../graph.ts';
import type { Dtype, Value } from '../value.ts';

/** The tensor that holds `value`, as elements of type `dtype`. */
export function typed(graph: GraphBuilder, value: Value, dtype: Dtype): Ref {
  return value.dtype === dtype ? graph.ref(value) : graph.cast(graph.ref(value), dtype);
}

/** ONNX has no arithmetic on bool; TensorFlow.js does it on 0 and 1. */
export function calculable(dtype: Dtype): Dtype {
  return dtype === 'bool' ? 'int32' : dtype;
}
