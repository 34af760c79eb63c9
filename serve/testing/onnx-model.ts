import protobuf from 'protobufjs';

/** The few messages of onnx.proto (onnx/onnx, IR version 8) that a small model needs. */
const schema = protobuf.parse(`
  syntax = "proto3";
  message ModelProto {
    int64 ir_version = 1;
    string producer_name = 2;
    GraphProto graph = 7;
    repeated OperatorSetIdProto opset_import = 8;
  }
  message OperatorSetIdProto { string domain = 1; int64 version = 2; }
  message GraphProto {
    repeated NodeProto node = 1;
    string name = 2;
    repeated TensorProto initializer = 5;
    repeated ValueInfoProto input = 11;
    repeated ValueInfoProto output = 12;
  }
  message NodeProto {
    repeated string input = 1;
    repeated string output = 2;
    string name = 3;
    string op_type = 4;
  }
  message TensorProto {
    repeated int64 dims = 1;
    int32 data_type = 2;
    string name = 8;
    bytes raw_data = 9;
  }
  message ValueInfoProto { string name = 1; TypeProto type = 2; }
  message TypeProto { TypeTensor tensor_type = 1; }
  message TypeTensor { int32 elem_type = 1; TensorShapeProto shape = 2; }
  message TensorShapeProto { repeated Dimension dim = 1; }
  message Dimension { oneof value { int64 dim_value = 1; string dim_param = 2; } }
`).root;

const floatType = 1;

/** softmax(x W + b): x [batch, features] to class [batch, classes]; `weights` are [features, classes], row-major. */
export function linearModel(features: number, classes: number, weights: Float32Array): Uint8Array {
  return encode({
    ir_version: 8,
    producer_name: 'slipway-tests',
    opset_import: [{ domain: '', version: 13 }],
    graph: {
      name: 'linear',
      node: [
        { name: 'gemm', op_type: 'Gemm', input: ['x', 'W', 'b'], output: ['logits'] },
        { name: 'softmax', op_type: 'Softmax', input: ['logits'], output: ['class'] },
      ],
      initializer: [
        tensor('W', [features, classes], weights),
        tensor('b', [classes], new Float32Array(classes)),
      ],
      input: [batchOf('x', features)],
      output: [batchOf('class', classes)],
    },
  });
}

function tensor(name: string, dims: number[], data: Float32Array) {
  return { name, dims, data_type: floatType, raw_data: new Uint8Array(data.buffer) };
}

function batchOf(name: string, columns: number) {
  const shape = { dim: [{ dim_param: 'batch' }, { dim_value: columns }] };
  return { name, type: { tensor_type: { elem_type: floatType, shape } } };
}

function encode(model: object): Uint8Array {
  const type = schema.lookupType('ModelProto');
  return type.encode(type.fromObject(toCamelCase(model) as Record<string, unknown>)).finish();
}

/** protobufjs renames the schema's fields so; the schema keeps ONNX's own spelling. */
function toCamelCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toCamelCase);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
      toCamelCase(each),
    ]),
  );
}
