import { Command } from '@commander-js/extra-typings';

/** What every command of the registry takes. */
export function registryCommand(name: string, description: string) {
  return new Command(name)
    .description(description)
    .option('--registry <folder>', 'where the registry is (default: SLIPWAY_REGISTRY, else .slipway)')
    .option('--json', 'print JSON');
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}
