import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Who commits, unless told. */
export const testAuthor = { name: 'Ada Tester', email: 'ada@example.com' };

/** Nothing of the machine's or the user's settings, and no question that waits for somebody at a terminal. */
export const gitEnvironment: Readonly<Record<string, string>> = {
  PATH: process.env.PATH ?? '/usr/bin:/bin',
  // A folder that is not there: nor .netrc, nor .ssh.
  HOME: '/nonexistent',
  LC_ALL: 'C',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_AUTHOR_NAME: testAuthor.name,
  GIT_AUTHOR_EMAIL: testAuthor.email,
  GIT_COMMITTER_NAME: testAuthor.name,
  GIT_COMMITTER_EMAIL: testAuthor.email,
  GIT_CONFIG_COUNT: '2',
  GIT_CONFIG_KEY_0: 'init.defaultBranch',
  GIT_CONFIG_VALUE_0: 'main',
  // A collection in the background would outlive the test and hold its folder.
  GIT_CONFIG_KEY_1: 'gc.auto',
  GIT_CONFIG_VALUE_1: '0',
};

/** Runs the system's git in `folder`; returns what it prints, without the end of the last line. Throws with what it complains of. */
export async function runGit(folder: string, ...args: string[]): Promise<string> {
  const { stdout } = await run('git', args, { cwd: folder, env: gitEnvironment, encoding: 'utf8' });
  return stdout.trimEnd();
}
