import { datasetLabel, type Manifest } from '../../registry/manifest.ts';

/** /seldon.json: the Seldon paths and their messages as OpenAPI 3. */
export function openApi({ model, version, dataset }: Manifest) {
  return {
    openapi: '3.0.3',
    info: {
      title: `${model}`,
      version: String(version),
      description: `Version ${version} of ${model}, trained on ${datasetLabel(dataset)}, in Seldon Core's v1 protocol.`,
    },
    paths: {
      '/predict': { get: predictByQuery, post: call('SeldonMessage') },
      '/api/v1.0/predictions': { post: call('SeldonMessage') },
      '/send-feedback': { post: call('Feedback') },
      '/api/v1.0/feedback': { post: call('Feedback') },
      '/health/ping': { get: { responses: { 200: { description: 'the process is alive' } } } },
      '/health/status': {
        get: {
          responses: { 200: answer('SeldonMessage', 'ready'), 503: answer('Error', 'not ready') },
        },
      },
      '/metadata': { get: { responses: { 200: { description: 'the model' } } } },
    },
    components: { schemas },
  };
}

function ref(schema: keyof typeof schemas) {
  return { $ref: `#/components/schemas/${schema}` };
}

function answer(schema: keyof typeof schemas, description: string) {
  return { description, content: { 'application/json': { schema: ref(schema) } } };
}

const responses = {
  200: answer('SeldonMessage', 'the answer, in the payload kind of the request'),
  400: answer('Error', 'the message does not fit the model'),
  413: answer('Error', 'too many bytes or rows'),
  503: answer('Error', 'not ready'),
};

function call(schema: keyof typeof schemas) {
  const form = { type: 'object', properties: { json: { type: 'string' } } };
  return {
    requestBody: {
      required: true,
      content: {
        'application/json': { schema: ref(schema) },
        'application/x-www-form-urlencoded': { schema: form },
        'multipart/form-data': { schema: ref(schema) },
      },
    },
    responses,
  };
}

const predictByQuery = {
  parameters: [{ name: 'json', in: 'query', required: true, schema: { type: 'string' } }],
  responses,
};

const schemas = {
  SeldonMessage: {
    type: 'object',
    properties: {
      meta: { type: 'object', properties: { puid: { type: 'string' }, tags: { type: 'object' } } },
      data: {
        type: 'object',
        properties: {
          names: { type: 'array', items: { type: 'string' } },
          ndarray: { type: 'array', items: {} },
          tensor: {
            type: 'object',
            properties: {
              shape: { type: 'array', items: { type: 'integer' } },
              values: { type: 'array', items: { type: 'number' } },
            },
          },
        },
      },
      strData: { type: 'string' },
    },
  },
  Feedback: {
    type: 'object',
    properties: {
      request: { $ref: '#/components/schemas/SeldonMessage' },
      response: { $ref: '#/components/schemas/SeldonMessage' },
      truth: { $ref: '#/components/schemas/SeldonMessage' },
      reward: { type: 'number' },
    },
  },
  Error: {
    type: 'object',
    properties: {
      status: {
        type: 'object',
        properties: {
          code: { type: 'integer' },
          info: { type: 'string' },
          reason: { type: 'string' },
          status: { type: 'integer' },
        },
      },
    },
  },
};
