import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { openCli, type Cli } from './support/cli.ts';
import { createTestDatabase } from './support/database.ts';
import { createApplication } from './support/fixtures.ts';
import { startInProcessApp } from './support/in-process-app.ts';

const run = promisify(execFile);

/** The program under its name, as a shell finds it. */
function install({ folder, env }: Cli): Record<string, string> {
  const program = join(folder, 'hookline');
  const main = join(import.meta.dirname, '..', 'src', 'main.mjs');
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`);
  chmodSync(program, 0o755);
  return { ...env, PATH: `${folder}:${env['PATH']}` };
}

/** What bash offers for a line, whose last word is being typed. */
async function bashOffers(env: Record<string, string>, script: string, words: string[]): Promise<string[]> {
  const line = `
    source "$1"; shift
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
    _hookline
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await run('bash', ['-euc', line, 'bash', script, ...words], { env });
  return stdout.split('\n').filter(Boolean);
}

test('bash completes commands, options, their values and the names of what the profile sees', async (t) => {
  const database = await createTestDatabase('sqlite');
  t.after(() => database.drop());
  const place = await startInProcessApp({ database, env: { HOOKLINE_ROLE: 'api' } });
  await createApplication(place, { name: 'shop' });
  await createApplication(place, { name: 'two words; touch /tmp/no' });
  const cli = openCli(t, { HOOKLINE_URL: place.url, HOOKLINE_TOKEN: place.api.token ?? '' });
  const env = install(cli);
  const script = join(cli.folder, 'completion.bash');
  writeFileSync(script, (await cli.succeed(['completion', 'bash'])).stdout);
  const bash = (...words: string[]) => bashOffers(env, script, ['hookline', ...words]);
  assert.deepEqual(await bash('--json', 'apps', 'get', 's'), ['shop']);
  assert.deepEqual(await bash('pipelines', 'create', '--app', 't'), ['two\\ words\\;\\ touch\\ /tmp/no']);
  assert.deepEqual(await bash('apps', 'create', '--file', ''), [], 'files are left to bash');

  const offers = async (...words: string[]) => {
    const { stdout } = await cli.succeed(['__complete', '--', ...words]);
    return stdout.split('\n').flatMap((line) => line.split('\t')[0] || []);
  };
  assert.deepEqual(await offers('pip'), ['pipelines']);
  assert.ok((await offers('')).includes('serve'));
  assert.deepEqual(await offers('actions', 'ca'), ['cancel']);
  assert.deepEqual(await offers('api', 'getApplication'), ['getApplication']);
  assert.deepEqual(await offers('apps', 'create', '--default-b'), ['--default-branch']);
  assert.deepEqual(await offers('actions', 'list', '--status', 'in'), ['in-progress']);
  assert.deepEqual(await offers('hooks', 'create', ''), ['incoming', 'outgoing']);
  assert.deepEqual(await offers('environments', 'use', ''), ['production']);
  await place.stop();
  assert.deepEqual(await offers('apps', 'get', 's'), [], 'nothing is said when the server is away');
  assert.deepEqual(await offers('apps', 'g'), ['get']);
});

for (const [shell, check] of [
  ['bash', '-n'],
  ['zsh', '-n'],
  ['fish', '--no-execute'],
] as const)
  test(`the script for ${shell} is one that ${shell} can read`, async (t) => {
    const cli = openCli(t);
    const { stdout } = await cli.succeed(['completion', shell]);
    assert.match(stdout, /hookline __complete -- /);
    if (!(await run(shell, ['-c', 'true']).catch(() => null))) return t.skip(`${shell} is not installed`);
    const path = join(cli.folder, 'script');
    writeFileSync(path, stdout);
    await run(shell, [check, path]);
  });

test('a shell that there is no script for is refused with those there are', async (t) => {
  const end = await openCli(t).run(['completion', 'tcsh']);
  assert.equal(end.code, 2);
  assert.match(end.stderr, /Allowed choices are bash, zsh, fish/);
});
