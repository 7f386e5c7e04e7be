import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, test, type TestContext } from 'node:test';
import type { Deployment } from '../examples/parts/deployments.ts';
import { until } from './support/api-client.ts';
import { startServer } from './support/server.ts';
import { killWithUs } from './support/watchdog.ts';

type Summary = {
  hookline_url: string;
  git_url: string;
  page_url: string;
  server: {
    refusal: string;
    connection: { status: string; message: string; host_key_fingerprint: string };
  } | null;
  steps: string[];
  first: Deployment;
  second: Deployment;
  broken: Deployment;
  rollback: Deployment;
};

describe('the worked example', { timeout: 600_000, concurrency: 2 }, () => {
  test('on the machine of Hookline: push, release, commit status, a broken build, the way back', async (t) => {
    const example = await startExample(t, ['--target', 'local', '--json']);
    const summary = await example.summary();
    assertStory(summary, 'local');
    assert.equal(summary.server, null);
    await example.assertNothingLeft(summary);
  });

  test('on a server by SSH, with a Hookline that runs already and is left as it was', async (t) => {
    const hookline = await startServer();
    t.after(() => hookline.stop());
    const api = await hookline.login();
    const running = ['--url', hookline.url, '--token', api.token ?? ''];
    const example = await startExample(t, ['--target', 'ssh', '--json', ...running]);
    const summary = await example.summary();
    assertStory(summary, 'web-1');
    assert.match(summary.server?.refusal ?? '', /^web-1-\d+ .* does not accept Hookline's key for the user /);
    assert.equal(summary.server?.connection.status, 'ok');
    assert.match(summary.server.connection.host_key_fingerprint, /^SHA256:/);
    for (const kind of ['applications', 'servers', 'credentials'])
      assert.deepEqual(await api.get(`/environments/1/${kind}`), [], kind);
    await example.assertNothingLeft({ ...summary, hookline_url: summary.git_url });
  });

  test('broken off in the middle of a deployment, it leaves nothing either', async (t) => {
    const example = await startExample(t, ['--target', 'local']);
    await until(async () => example.output().includes('Accepted as action 2.'), 'the second push');
    example.interrupt();
    assert.equal(await example.code(), 1, example.output());
    assert.match(example.output(), /✗ Interrupted; what was made is taken away again\.\n$/);
    const [, url = ''] = /✓ Hookline is up\n\s+(http:\S+),/.exec(example.output()) ?? [];
    await example.assertNothingLeft({ hookline_url: url });
  });

  test('when it fails it says why, and leaves nothing', async (t) => {
    const nobody = ['--url', 'http://127.0.0.1:9', '--token', 'none'];
    const example = await startExample(t, ['--target', 'local', ...nobody]);
    assert.equal(await example.code(), 1);
    assert.match(example.output(), /✗ \S/);
    await example.assertNothingLeft({});
  });
});

function assertStory({ steps, first, second, broken, rollback }: Summary, hostname: string): void {
  assert.deepEqual(steps, [
    'Fetch the source',
    'Install dependencies',
    'Build',
    'Activate the release',
    'Restart the service',
    'Remove old releases',
  ]);
  const commits = [first, second, broken].map(({ commit }) => commit);
  assert.equal(new Set(commits).size, 3);
  for (const commit of commits) assert.match(commit, /^[0-9a-f]{40}$/);
  const told = ({ statuses }: Deployment) => statuses.map(({ state }) => state);

  for (const done of [first, second, rollback]) {
    assert.equal(done.status, 'completed', done.reason);
    assert.deepEqual(told(done), ['pending', 'pending', 'success']);
    assert.equal(done.live?.['commit'], done.commit);
  }
  assert.equal(first.live?.['message'], 'Hello from hello-web');
  assert.equal(second.live?.['message'], 'Hello again from hello-web');

  assert.equal(broken.status, 'failed');
  assert.match(broken.reason, new RegExp(`^Step 3 "Build" on ${hostname}\\S* exited with code 1\\.$`));
  assert.match(broken.log, /broken on purpose/);
  assert.deepEqual(told(broken), ['pending', 'pending', 'failure']);
  assert.equal(broken.statuses.at(-1)?.description, broken.reason);
  assert.deepEqual(broken.live, second.live);

  assert.equal(rollback.commit, first.commit);
  assert.deepEqual(rollback.live, first.live);
}

async function startExample(t: TestContext, args: string[]) {
  // All that it makes lies in here, and all processes of it know this folder by an argument or by their environment.
  const folder = await mkdtemp(join(tmpdir(), 'hookline-story-'));
  const child = spawn(process.execPath, ['examples/deploy.ts', ...args], {
    cwd: join(import.meta.dirname, '..'),
    env: { PATH: process.env['PATH'], HOME: folder, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const forget = child.pid === undefined ? () => undefined : killWithUs(child.pid);
  const closed = once(child, 'close').finally(forget);
  t.after(async () => {
    child.kill('SIGKILL');
    await closed;
    await rm(folder, { recursive: true, force: true });
  });
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (piece: string) => (output += piece));
  const printed = text(child.stdout.on('data', (piece: Buffer) => (output += piece.toString())));

  const code = async (): Promise<number | null> => ((await closed) as [number | null])[0];
  return {
    code,
    output: () => output,
    interrupt: () => void child.kill('SIGINT'),
    async summary(): Promise<Summary> {
      assert.equal(await code(), 0, output);
      // Safe enough in a test: `assertStory` looks at all of it.
      return JSON.parse((await printed).trimEnd().split('\n').at(-1) ?? '') as Summary;
    },
    async assertNothingLeft(addresses: Partial<Pick<Summary, 'hookline_url' | 'git_url' | 'page_url'>>) {
      await closed;
      // What npm keeps in a home is no part of the example.
      const left = (await readdir(folder)).filter((name) => name !== '.npm');
      assert.deepEqual(left, []);
      for (const url of [addresses.hookline_url, addresses.git_url, addresses.page_url]) {
        if (url) await assert.rejects(fetch(url), `something answers at ${url}`);
      }
      // Those that were told a moment ago that they are no longer needed may still be on their way out.
      await until(
        async () => (await processesOf(folder)).length === 0,
        'the last process to end',
        5000,
      ).catch(async () => assert.deepEqual(await processesOf(folder), []));
    },
  };
}

/** The commands of all processes that bear a text in their arguments or in their environment. */
async function processesOf(mark: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(pid)) continue;
    const read = (name: string) => readFile(join('/proc', pid, name), 'utf8').catch(() => '');
    const command = await read('cmdline');
    if (`${command}${await read('environ')}`.includes(mark)) found.push(command.replaceAll('\0', ' '));
  }
  return found;
}
