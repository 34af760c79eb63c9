import protobuf from 'protobufjs';

/**
 * The part of ONNX's format that graphs made here use; names and field numbers are those of `onnx.proto`
 * (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
 */
const schema = protobuf.parse(
  `
  syntax = "proto3";
  package onnx;
  message ModelProto { int64 ir_version = 1; string producer_name = 2; GraphProto graph = 7; repeated OperatorSetIdProto opset_import = 8; }
  message OperatorSetIdProto { string domain = 1; int64 version = 2; }
  message GraphProto { repeated NodeProto node = 1; string name = 2; repeated TensorProto initializer = 5; repeated ValueInfoProto input = 11; repeated ValueInfoProto output = 12; }
  message NodeProto { repeated string input = 1; repeated string output = 2; string name = 3; string op_type = 4; repeated AttributeProto attribute = 5; string domain = 7; }
  message AttributeProto { string name = 1; float f = 2; int64 i = 3; bytes s = 4; repeated float floats = 7; repeated int64 ints = 8; int32 type = 20; }
  message TensorProto { repeated int64 dims = 1; int32 data_type = 2; string name = 8; bytes raw_data = 9; }
  message ValueInfoProto { string name = 1; TypeProto type = 2; }
  message TypeProto { TensorType tensor_type = 1; }
  message TensorType { int32 elem_type = 1; TensorShapeProto shape = 2; }
  message TensorShapeProto { repeated Dimension dim = 1; }
  message Dimension { oneof value { int64 dim_value = 1; string dim_param = 2; } }
`,
  { keepCase: true },
).root;
const ModelProto = schema.lookupType('onnx.ModelProto');

const IR_VERSION = 10;
const OPSET = 21;

/** ONNX's numbers for element types (`TensorProto.DataType`). */
export const elementType = { float32: 1, int32: 6, int64: 7, bool: 9, uint32: 12 } as const;
export type ElementType = keyof typeof elementType;

export type Attributes = Readonly<
  Record<string, number | string | readonly number[] | { readonly float: number }>
>;

export interface OnnxNode {
  /** ONNX's own, or `domain:name`. */
  readonly op: string;
  /** What ONNX Runtime calls the node when it reports an error. */
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

export interface OnnxTensor {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** Little-endian, row-major. */
  readonly bytes: Uint8Array;
}

export interface OnnxValue {
  readonly name: string;
  readonly type: ElementType;
  /** A string is a free dimension's name. */
  readonly shape: readonly (number | string)[];
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

/** The bytes of an `.onnx` file. */
export function encodeModel(graph: OnnxGraph): Uint8Array {
  return ModelProto.encode({
    ir_version: IR_VERSION,
    producer_name: 'slipway',
    opset_import: [{ domain: '', version: OPSET }, ...domainsOf(graph)],
    graph: {
      name: 'graph',
      node: graph.nodes.map(nodeProto),
      initializer: graph.initializers.map(({ name, type, shape, bytes }) => ({
        name,
        dims: shape,
        data_type: elementType[type],
        raw_data: bytes,
      })),
      input: graph.inputs.map(valueProto),
      output: graph.outputs.map(valueProto),
    },
  }).finish();
}

function domainsOf({ nodes }: OnnxGraph): { domain: string; version: number }[] {
  const domains = nodes.flatMap(({ op }) => (op.includes(':') ? op.slice(0, op.indexOf(':')) : []));
  return [...new Set(domains)].map((domain) => ({ domain, version: 1 }));
}

function nodeProto({ op, name, inputs, outputs, attributes }: OnnxNode) {
  const [type, domain] = op.split(':').reverse();
  return {
    op_type: type,
    domain,
    name,
    input: inputs,
    output: outputs,
    attribute: Object.entries(attributes).map(([name, value]) => {
      if (typeof value === 'number') return { name, i: value, type: 2 };
      if (typeof value === 'string') return { name, s: Buffer.from(value), type: 3 };
      if ('float' in value) return { name, f: value.float, type: 1 };
      return { name, ints: value, type: 7 };
    }),
  };
}

function valueProto({ name, type, shape }: OnnxValue) {
  const dim = shape.map((size) => (typeof size === 'string' ? { dim_param: size } : { dim_value: size }));
  return { name, type: { tensor_type: { elem_type: elementType[type], shape: { dim } } } };
}
