import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import type { ApiClient } from './support/api-client.ts';
import { until } from './support/api-client.ts';
import { startGitServer } from './support/git-server.ts';
import { startServer } from './support/server.ts';
import { startSshServer, sshServerKinds } from './support/ssh-server.ts';

const run = promisify(execFile);

type Release = { name: string; status: string; is_live: boolean; commit: { hash: string } };
type Action = { status: string; status_reason_human_readable: string; completed_at: string | null };

test('the commands of docs/deployments.md work as printed: deploy, watch, read, roll back, cancel', async (t) => {
  const git = await startGitServer();
  t.after(() => git.stop());
  const folder = await mkdtemp(join(tmpdir(), 'hookline-docs-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const repository = await git.createRepository('acme/web');
  const { api, block } = await openGuide(t, 'deployments', {
    'you/web': git.cloneUrl('acme/web'),
    '/srv/web': folder,
    'npm run build': 'echo built',
    'sudo systemctl restart web': 'readlink $HOOKLINE_CURRENT_DIR',
  });
  const watched = (output: string) => output.match(/^event: .*$/gm)?.at(-1);

  await block('set up');
  const pipeline = await block('options', 'echo $PIPELINE');
  assert.match(pipeline, /^\d+\n$/);
  await block('deploy');
  const events = await block('watch');
  assert.equal(watched(events), 'event: end');
  assert.match(events, /^id: \d+\nevent: log\ndata: \{"step_id":2,"content":"built\\n"\}$/m);
  const log = await block('logs');
  assert.match(log, /^==> local, step 2 "Build": completed\nbuilt\n==> local, step 3/m);
  assert.match(log, /^releases\/\d{8}-\d{6}-1$/m);

  await repository.commit({ 'README.md': 'Another one\n' });
  await block('deploy');
  await block('watch');
  // Safe, here and below: the assertions look at what is in it.
  const [second, first] = JSON.parse(await block('releases')) as [Release, Release];
  assert.deepEqual([second.is_live, first.is_live], [true, false]);

  const rollback = (await block('roll back', 'echo $ROLLBACK')).trim();
  await until(async () => (await action(rollback)).completed_at !== null, 'the end of the rollback');
  assert.equal((await action(rollback)).status, 'completed');
  assert.match(JSON.stringify(await api.get(`/actions/${rollback}`)), /"type":"rollback"/);
  const [, live] = JSON.parse(await block('releases')) as [Release, Release];
  assert.deepEqual([live.name, live.is_live], [first.name, true]);

  git.hang();
  const asked = (await block('deploy', 'echo $ACTION')).trim();
  await until(async () => (await action(asked)).status === 'in-progress', 'the deployment to begin');
  await block('cancel');
  await until(async () => (await action(asked)).completed_at !== null, 'the end of what was cancelled');
  assert.match((await action(asked)).status_reason_human_readable, /^Cancelled by /);

  async function action(id: string): Promise<Action> {
    return await api.get<Action>(`/actions/${id}`);
  }
});

test('the commands of docs/servers.md work as printed: add, install, test, forget the host key', async (t) => {
  const machine = await startSshServer(sshServerKinds.at(-1) ?? 'ssh2');
  t.after(() => machine.stop());
  const { block } = await openGuide(t, 'servers', {
    '203.0.113.7': machine.host,
    '"ssh_port": 22': `"ssh_port": ${machine.port}`,
    '"ssh_user": "deploy"': `"ssh_user": "${machine.user}"`,
  });
  const printed = await block('add');
  // By hand on the server: what the line would write into a file that this server does not read.
  await machine.acceptKey(
    /^mkdir .* && echo '(.+)' >> ~\/\.ssh\/authorized_keys\n$/.exec(printed)?.[1] ?? '',
  );
  const found = async () => JSON.parse(await block('test')) as Record<string, string>;
  const good = { status: 'ok', message: `Signed in as ${machine.user}.` };
  assert.partialDeepStrictEqual(await found(), {
    ...good,
    host_key_fingerprint: machine.hostKeyFingerprint(),
  });

  await machine.replaceHostKey();
  const refused = await found();
  assert.equal(refused['status'], 'failed');
  assert.match(
    refused['message'] ?? '',
    /^The host key of web-1 \(127\.0\.0\.1, port \d+\) has changed: it was /,
  );
  await block('forget');
  assert.partialDeepStrictEqual(await found(), {
    ...good,
    host_key_fingerprint: machine.hostKeyFingerprint(),
  });
});

/** The commands of a page of `docs/`, by their name; what one has put into a variable is there for the next. */
async function openGuide(
  t: TestContext,
  page: string,
  places: Record<string, string>,
): Promise<{ api: ApiClient; block(name: string, more?: string): Promise<string> }> {
  const server = await startServer();
  t.after(() => server.stop());
  const api = await server.login();
  const readme = await readFile('README.md', 'utf8');
  const field = /^field\(\) \{[\s\S]*?\n\s+if .*$/m.exec(readme)?.[0];
  assert.ok(field, 'README.md has no field()');
  const text = await readFile(`docs/${page}.md`, 'utf8');
  const blocks = new Map(
    [...text.matchAll(/<!-- test: (\w+), ([\w ]+) -->\s*```bash\n([\s\S]*?)```/g)].map(
      ([, , name, script]) => [name, script] as const,
    ),
  );
  const folder = await mkdtemp(join(tmpdir(), 'hookline-guide-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const state = join(folder, 'state');
  const around = [
    'command -v curl >/dev/null || curl() { node test/support/curl.mjs "$@"; }',
    `HOOKLINE=${server.url}/api TOKEN=${api.token} CREDENTIAL= APPLICATION= PIPELINE= ACTION= SERVER=`,
    field,
    `[ ! -e ${state} ] || . ${state}`,
    `trap 'declare -p CREDENTIAL APPLICATION PIPELINE ACTION SERVER > ${state}; declare -f api >>${state}' EXIT`,
  ].join('\n');
  return {
    api,
    async block(name, more = '') {
      let script = blocks.get(name) ?? assert.fail(`docs/${page}.md has no commands "${name}"`);
      for (const [place, mine] of Object.entries(places)) script = script.replaceAll(place, mine);
      const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', `${around}\n${script}\n${more}`]);
      return stdout;
    },
  };
}
