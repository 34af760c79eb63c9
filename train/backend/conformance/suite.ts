import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { useOnnxRuntime } from '../register.ts';

/** How one of TensorFlow.js's own tests went. */
export interface TestResult {
  /** Within TensorFlow.js's sources, as `ops/add`. */
  readonly file: string;
  readonly name: string;
  /** `skipped`: TensorFlow.js's own choice. */
  readonly status: 'passed' | 'failed' | 'skipped';
  /** The first line of each failed expectation. */
  readonly failures: readonly string[];
}

const require = createRequire(import.meta.url);
const core = dirname(require.resolve('@tensorflow/tfjs-core'));
const TIMEOUT_MS = 10_000;
const SEED = 20_240_101;

/**
 * Runs TensorFlow.js's own tests of what every backend must do, as they come with its package, on this backend:
 * those of the files whose name contains `filter`. Always in the same order and with the same random numbers.
 */
export async function runSuite(filter: string): Promise<TestResult[]> {
  const jasmine = bootJasmine();
  seedRandom();
  const speak = hushConsole();
  for (const module of ['index', 'public/chained_ops/register_all_chained_ops', 'register_all_gradients'])
    require(join(core, module));
  await useOnnxRuntime({ threads: 1 });
  const { setTestEnvs } = require(join(core, 'jasmine_util')) as JasmineUtil;
  setTestEnvs([{ name: BACKEND, backendName: BACKEND, isDataSync: true }]);

  const env = jasmine.getEnv();
  env.configure({ random: false, forbidDuplicateNames: false });
  const fileOf = new Map<string, string>();
  for (const path of testFiles(filter)) {
    const known = env.topSuite().children.length;
    require(path);
    const file = relative(core, path).replace(/_test\.js$/, '');
    for (const suite of env.topSuite().children.slice(known)) nameTests(suite, file, fileOf);
  }
  Error.stackTraceLimit = 10; // TensorFlow.js sets it to infinity, and thousands of errors are expected

  const results: TestResult[] = [];
  const note = ({ id, fullName, status, failedExpectations }: JasmineResult) =>
    results.push({
      file: fileOf.get(id) ?? 'unknown',
      name: fullName.replace(` ${BACKEND} {}`, ''),
      status: status === 'passed' || status === 'failed' ? status : 'skipped',
      failures: failedExpectations.map(({ message }) => message),
    });
  env.addReporter({
    specDone: note,
    suiteDone: (suite) => suite.status === 'failed' && note(suite), // what is around the tests can fail too
  });
  await env.execute();
  speak();
  return results;
}

const BACKEND = 'onnxruntime';

function testFiles(filter: string): string[] {
  return readdirSync(core, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('_test.js') && path.includes(filter))
    .sort()
    .map((path) => join(core, path));
}

function nameTests(node: SuiteOrSpec, file: string, fileOf: Map<string, string>): void {
  fileOf.set(node.id, file);
  for (const child of node.children ?? []) nameTests(child, file, fileOf);
}

/** Some tests print, and TensorFlow.js's modules warn that they are loaded twice. Returns what ends the silence. */
function hushConsole(): () => void {
  const { log, warn, error } = console;
  Object.assign(console, { log() {}, warn() {}, error() {} });
  return () => Object.assign(console, { log, warn, error });
}

/** Some tests draw numbers: always the same ones. */
function seedRandom(): void {
  const generator = xoroshiro128plus(SEED);
  Math.random = () => (generator.next() >>> 0) / 2 ** 32;
}

function bootJasmine(): Jasmine {
  const jasmine = (require('jasmine-core') as { boot(): Jasmine }).boot();
  jasmine.DEFAULT_TIMEOUT_INTERVAL = TIMEOUT_MS;
  return jasmine;
}

/** The part of jasmine-core that is used here; it brings no types. */
interface Jasmine {
  DEFAULT_TIMEOUT_INTERVAL: number;
  getEnv(): {
    topSuite(): { readonly children: readonly SuiteOrSpec[] };
    configure(settings: { random: boolean; forbidDuplicateNames: boolean }): void;
    addReporter(reporter: Record<'specDone' | 'suiteDone', (result: JasmineResult) => unknown>): void;
    execute(): Promise<unknown>;
  };
}

interface SuiteOrSpec {
  readonly id: string;
  readonly children?: readonly SuiteOrSpec[];
}

interface JasmineResult {
  readonly id: string;
  readonly fullName: string;
  readonly status: string;
  readonly failedExpectations: readonly { readonly message: string }[];
}

interface JasmineUtil {
  setTestEnvs(
    environments: readonly {
      readonly name: string;
      readonly backendName: string;
      readonly isDataSync: boolean;
    }[],
  ): void;
}
