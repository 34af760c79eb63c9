import { execFile } from 'node:child_process';
import { userInfo } from 'node:os';
import { promisify } from 'node:util';

/** Who acts, for the history: `SLIPWAY_USER`, else CI's actor, else git's user, else the operating system's. */
export async function identity(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  return env.SLIPWAY_USER || env.GITHUB_ACTOR || (await gitUser(env)) || systemUser();
}

async function gitUser(env: NodeJS.ProcessEnv): Promise<string> {
  const name = await gitSetting('user.name', env);
  const email = await gitSetting('user.email', env);
  return name && email ? `${name} <${email}>` : name || email;
}

async function gitSetting(key: string, env: NodeJS.ProcessEnv): Promise<string> {
  try {
    return (
      await promisify(execFile)('git', ['config', '--get', key], { env, timeout: 5_000 })
    ).stdout.trim();
  } catch {
    return ''; // no git, or not set
  }
}

function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`; // a container's user need not have a name
  }
}
