import { Command } from '@commander-js/extra-typings';
import { runCommand } from '../cli/run.ts';
import { stepsCommand } from './steps/bench.ts';
import { to99Command } from './to-99/bench.ts';
import { trainCommand } from './train/bench.ts';

await runCommand(
  new Command('npm run bench --')
    .description('Measures this machine at work, beside PyTorch where it is installed.')
    .addCommand(trainCommand)
    .addCommand(stepsCommand)
    .addCommand(to99Command),
);
