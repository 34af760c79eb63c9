import { resolve } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { UserError } from '../cli/errors.ts';
import { openRegistry } from './open.ts';

afterEach(() => vi.unstubAllEnvs());

test('a folder that is named beats SLIPWAY_REGISTRY, and that beats .slipway', () => {
  vi.stubEnv('SLIPWAY_REGISTRY', undefined);
  expect(openRegistry().store.url).toBe(resolve('.slipway'));
  vi.stubEnv('SLIPWAY_REGISTRY', 'from-environment');
  expect(openRegistry().store.url).toBe(resolve('from-environment'));
  expect(openRegistry('named').store.url).toBe(resolve('named'));
});

test.each(['s3://bucket/prefix', 'https://host/registry', 'S3://bucket'])(
  '%s is refused: only a folder',
  (url) => {
    expect(() => openRegistry(url)).toThrow(UserError);
    expect(() => openRegistry(url)).toThrow(`can't be ${url}: only a folder is supported so far`);
  },
);
