import { expect, test } from 'vitest';
import type { PipelineEvent } from '../events.ts';
import { chooseRenderer } from './choose.ts';
import { plainRenderer } from './plain.ts';
import type { Output, Renderer } from './renderer.ts';
import { TerminalRenderer } from './terminal.ts';

const training = {
  event: 'progress',
  stage: 'train',
  done: 150_000,
  total: 300_000,
  unit: 'images',
  rate: 5120.4,
  secondsLeft: 29.3,
  text: 'epoch 3/5',
  metrics: { loss: 0.12345, accuracy: 0.98125 },
} satisfies PipelineEvent;

const story: readonly PipelineEvent[] = [
  { event: 'run', run: '20261123T081500Z-ab12cd', stages: ['data', 'train', 'evaluate'], dryRun: false },
  {
    event: 'stage-end',
    stage: 'data',
    outcome: 'cached',
    seconds: 0.002,
    summary: '60,000 train, 10,000 test; mnist',
  },
  { event: 'stage-start', stage: 'train', reason: 'parameters changed: epochs 5 -> 6' },
  training,
  { event: 'note', stage: 'train', text: 'going on from the checkpoint of epoch 2' },
  { ...training, done: 300_000, secondsLeft: 0 },
  { event: 'stage-end', stage: 'train', outcome: 'ran', seconds: 84.31 },
  { event: 'stage-start', stage: 'evaluate', reason: 'input changed: model' },
  { event: 'stage-failed', stage: 'evaluate', interrupted: false, seconds: 0.24, text: 'out of memory' },
];

class Screen implements Output {
  readonly isTTY = true;
  text = '';
  constructor(readonly columns = 80) {}
  write(text: string): void {
    this.text += text;
  }
}

function told(renderer: Renderer, screen: Screen, events = story): string {
  for (const event of events) renderer.show(event);
  renderer.close();
  return screen.text;
}

/** What stands on the screen in the end, and all that ever stood in one line of it. */
function onScreen(text: string) {
  const visible = text.replaceAll(/\x1b\[(?:\?25[hl]|[0-9;]*m)/g, '');
  const drawn = visible.split(/\n|\r\x1b\[2K/);
  const left = visible.split('\n').map((line) => line.split('\r\x1b[2K').at(-1) ?? '');
  return { drawn, left };
}

test('on a terminal a stage is one line, drawn over while it runs and left as it ended', () => {
  const screen = new Screen();
  const { drawn, left } = onScreen(told(new TerminalRenderer(screen, { colored: false }), screen));
  expect(left).toEqual([
    '✓ data      cached    60,000 train, 10,000 test; mnist',
    '  going on from the checkpoint of epoch 2',
    '✓ train     84 s',
    '✗ evaluate  failed after 0.2 s',
    '',
  ]);
  expect(drawn).toContain('▸ train     parameters changed: epochs 5 -> 6');
  expect(drawn).toContain('▸ train     ━━━───  50 %  29 s left  loss 0.123  accuracy 0.981  5,120 images/s');
});

test('on a wide terminal all of it is there', () => {
  const screen = new Screen(120);
  const { drawn } = onScreen(told(new TerminalRenderer(screen, { colored: false }), screen));
  expect(drawn).toContain(
    `▸ train     ${'━'.repeat(12)}${'─'.repeat(12)}  50 %  29 s left  loss 0.123  accuracy 0.981  5,120 images/s  epoch 3/5`,
  );
});

test.each([80, 40, 20, 5])('no line is ever as wide as a terminal of %i columns', (columns) => {
  const screen = new Screen(columns);
  const { drawn } = onScreen(told(new TerminalRenderer(screen, { colored: false }), screen));
  for (const line of drawn) expect([...line].length).toBeLessThan(columns);
});

test('the cursor is hidden only while a line is drawn over, and shown again however the run ends', () => {
  const screen = new Screen();
  const renderer = new TerminalRenderer(screen, { colored: false });
  renderer.show(training);
  expect(screen.text).toMatch(/^\x1b\[\?25l/);
  renderer.close();
  renderer.close();
  expect(screen.text).toMatch(/\n\x1b\[\?25h$/);
});

test('colors are used unless NO_COLOR is set', () => {
  for (const [env, colored] of [
    [{}, true],
    [{ NO_COLOR: '1' }, false],
  ] as const) {
    const screen = new Screen();
    const text = told(chooseRenderer(screen, { json: false, env }), screen);
    expect(text.includes('\x1b[32m✓\x1b[0m data')).toBe(colored);
    expect(/\x1b\[\d+m/.test(text)).toBe(colored);
  }
});

test('a text from outside can not steer the terminal', () => {
  const screen = new Screen();
  const renderer = new TerminalRenderer(screen, { colored: false });
  renderer.show({ event: 'note', stage: 'data', text: 'read \x1b[2J\u0007bad\nname' });
  expect(screen.text).toBe('  read  [2J bad name\n');
});

test('plain lines tell each change, and progress every few seconds', () => {
  const screen = new Screen();
  let now = 0;
  const renderer = plainRenderer(screen, () => now);
  for (const event of story) {
    renderer.show(event);
    if (event.event === 'stage-start')
      for (let tick = 0; tick < 59; tick++, now += 0.1) renderer.show(training);
  }
  expect(screen.text.split('\n')).toEqual([
    'run 20261123T081500Z-ab12cd: data, train, evaluate',
    'data: cached, 60,000 train, 10,000 test; mnist',
    'train: started (parameters changed: epochs 5 -> 6)',
    'train: 50 %, 29 s left, loss 0.123, accuracy 0.981, 5,120 images/s, epoch 3/5',
    'train: going on from the checkpoint of epoch 2',
    'train: 84 s',
    'evaluate: started (input changed: model)',
    'train: 50 %, 29 s left, loss 0.123, accuracy 0.981, 5,120 images/s, epoch 3/5',
    'evaluate: failed after 0.2 s',
    '',
  ]);
});

test('what would run, and what the pipeline has come to, are a line each', () => {
  const events: readonly PipelineEvent[] = [
    { event: 'run', run: '20261123T081500Z-ab12cd', stages: ['data', 'train'], dryRun: true },
    { event: 'would-run', stage: 'train', reason: 'never ran' },
    {
      event: 'done',
      model: 'mnist',
      version: 7,
      alias: 'champion',
      metrics: { accuracy: 0.9912 },
      seconds: 125,
      stages: [],
    },
  ];
  const terminal = new Screen();
  expect(told(new TerminalRenderer(terminal, { colored: false }), terminal, events)).toBe(
    '· train  would run  never ran\n✓ mnist  version 7 is champion, 2 min 05 s in all\n',
  );
  const log = new Screen();
  expect(told(plainRenderer(log), log, events)).toBe(
    'dry run: data, train\ntrain: would run (never ran)\nmnist version 7 is champion, 2 min 05 s in all\n',
  );
});

test('with --json each event is a line, as it is', () => {
  const screen = new Screen();
  const text = told(chooseRenderer(screen, { json: true, env: {} }), screen);
  expect(
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual(story);
});

test('where nothing can be drawn over, lines are plain: a pipe, a CI job, a dumb terminal', () => {
  for (const [isTTY, env] of [
    [false, {}],
    [true, { CI: 'true' }],
    [true, { TERM: 'dumb' }],
  ] as const) {
    const screen = new Screen();
    const output = { isTTY, write: (text: string) => screen.write(text) };
    expect(told(chooseRenderer(output, { json: false, env }), screen)).not.toContain('\x1b');
  }
});
