import { writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { identity } from './identity.ts';
import { temporaryFolder } from './testing/folder.ts';

/** Git that reads no configuration but this file. */
async function gitWith(config: string, folder: string): Promise<NodeJS.ProcessEnv> {
  const file = join(folder, 'gitconfig');
  await writeFile(file, config);
  return { PATH: process.env.PATH, GIT_CONFIG_GLOBAL: file, GIT_CONFIG_SYSTEM: file, GIT_DIR: folder };
}

test('who acts is SLIPWAY_USER, else the actor of CI, else the user of git, else of the system', async () => {
  await using folder = await temporaryFolder();
  const git = await gitWith('[user]\n  name = Ada\n  email = ada@example.org\n', folder.path);
  expect(await identity({ ...git, SLIPWAY_USER: 'me', GITHUB_ACTOR: 'ci' })).toBe('me');
  expect(await identity({ ...git, SLIPWAY_USER: '', GITHUB_ACTOR: 'ci' })).toBe('ci');
  expect(await identity(git)).toBe('Ada <ada@example.org>');
  expect(await identity(await gitWith('[user]\n  name = Ada\n', folder.path))).toBe('Ada');
  expect(await identity(await gitWith('', folder.path))).toBe(userInfo().username);
  expect(await identity({ PATH: '' })).toBe(userInfo().username);
});
