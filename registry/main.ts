import { Command } from '@commander-js/extra-typings';
import { runCommand } from '../cli/run.ts';
import { historyCommand } from './commands/history.ts';
import { listCommand, modelsCommand } from './commands/list.ts';
import { promoteCommand, rollbackCommand } from './commands/move.ts';
import { showCommand, verifyCommand } from './commands/show.ts';

const registry = new Command('npm run registry --')
  .description('Versions of models, the aliases that point at them, and how they got there.')
  .addCommand(modelsCommand)
  .addCommand(listCommand)
  .addCommand(showCommand)
  .addCommand(verifyCommand)
  .addCommand(promoteCommand)
  .addCommand(rollbackCommand)
  .addCommand(historyCommand);

await runCommand(registry);
