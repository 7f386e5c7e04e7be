import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Executor, StepOutcome } from '../src/actions/executors/executor.ts';
import { createLocalExecutor } from '../src/actions/executors/local.ts';
import { systemClock } from '../src/platform/clock.ts';
import { isAlive } from './support/alive.ts';
import { until } from './support/api-client.ts';
import { freePort } from './support/free-port.ts';
import { startReceiver } from './support/receiver.ts';
import { runGit } from './support/run-git.ts';
import { killWithUs } from './support/watchdog.ts';

const SOURCE = join(import.meta.dirname, '..', 'examples', 'hello-web');

/** The scripts as a deployment runs them: by the executor, which ends whatever a step leaves behind. */
describe('the example application', { timeout: 600_000 }, () => {
  let folder: string;
  let application: string;
  let port: number;
  let executor: Executor;
  let forget: (() => void)[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hookline-example-'));
    application = join(folder, 'hello-web');
    await mkdir(application);
    port = await freePort();
    executor = createLocalExecutor({ scriptDirectory: join(folder, 'scripts'), clock: systemClock });
    forget = [];
  });
  afterEach(async () => {
    const pid = await readPid().catch(() => null);
    if (pid !== null && isAlive(pid)) process.kill(pid, 'SIGKILL');
    for (const done of forget) done();
    await rm(folder, { recursive: true, force: true });
  });

  const readPid = async () => Number(await readFile(join(application, 'run/hello-web.pid'), 'utf8'));
  const releaseFolder = (name: string) => join(application, 'releases', name);

  /** The process of the server, which dies with this one. */
  async function serverPid(): Promise<number> {
    const pid = await readPid();
    forget.push(killWithUs(pid));
    return pid;
  }

  type Ran = { outcome: StepOutcome; output: string };

  async function run(script: string, release: string, variables: Record<string, string> = {}): Promise<Ran> {
    let output = '';
    const outcome = await executor.run({
      runId: randomUUID(),
      script,
      paths: {},
      environment: {
        // The Node that runs this test before any other that the machine has.
        PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
        HOME: folder,
        PORT: String(port),
        HOOKLINE_APPLICATION_DIR: application,
        HOOKLINE_CURRENT_DIR: join(application, 'current'),
        HOOKLINE_RELEASE_DIR: releaseFolder(release),
        HOOKLINE_RELEASE_NAME: release,
        HOOKLINE_COMMIT_HASH: commitOf(release),
        ...variables,
      },
      workingDirectory: releaseFolder(release),
      runAsUser: '',
      timeoutMs: 60_000,
      signal: new AbortController().signal,
      onOutput: (text) => void (output += text),
    });
    return { outcome, output };
  }

  /** Fetch, build and switch, as a deployment does before the restart. */
  async function release(name: string, change: Record<string, string> = {}): Promise<void> {
    await cp(SOURCE, releaseFolder(name), { recursive: true });
    for (const [path, text] of Object.entries(change)) await writeFile(join(releaseFolder(name), path), text);
    const built = await run('node build.js', name);
    assert.deepEqual(built, succeeded(`Built ${name} from ${commitOf(name)}.\n`));
    await switchTo(name);
  }

  async function switchTo(name: string): Promise<void> {
    await symlink(join('releases', name), join(application, 'current.new'));
    await rename(join(application, 'current.new'), join(application, 'current'));
  }

  async function answer(path: string): Promise<unknown> {
    return await (await fetch(`http://127.0.0.1:${port}${path}`)).json();
  }

  test('each release answers after its restart, outlives the step and ends the one before', async () => {
    const pids: number[] = [];
    for (const name of ['a', 'b']) {
      await release(name);
      const restarted = await run('bin/restart.sh', name);
      const pid = await serverPid();
      // All of the output: nothing about processes that were left and ended.
      const where = `http://127.0.0.1:${port} (process ${pid})`;
      assert.deepEqual(restarted, succeeded(`hello-web answers with ${commitOf(name)} at ${where}.\n`));
      const said = { commit: commitOf(name), release: name };
      assert.deepEqual(await answer('/'), { message: 'Hello from hello-web', ...said });
      assert.deepEqual(await answer('/healthz'), { status: 'ok', ...said });
      pids.push(pid);
    }
    assert.deepEqual(pids.map(isAlive), [false, true]);

    // Going back is the same step in the older release.
    await switchTo('a');
    assert.deepEqual((await run('bin/restart.sh', 'a')).outcome, { kind: 'exited', code: 0 });
    await serverPid();
    assert.deepEqual(await answer('/healthz'), { status: 'ok', commit: commitOf('a'), release: 'a' });
    assert.equal(isAlive(pids[1]!), false);
  });

  test('the server inherits nothing of the step but what it needs', async (t) => {
    if (process.platform !== 'linux') return t.skip('reads /proc');
    await release('a');
    await run('bin/restart.sh', 'a', { A_SECRET: 'of the step' });
    const environment = await readFile(`/proc/${await serverPid()}/environ`, 'utf8');
    const names = environment.split('\0').map((word) => word.split('=')[0]);
    assert.deepEqual(names.filter(Boolean).sort(), ['HOME', 'NODE_ENV', 'PATH', 'PORT']);
  });

  test('a server that ends at once fails the step, with what it has printed', async () => {
    await release('a', { 'server.js': 'throw new Error("broken on purpose");' });
    const { outcome, output } = await run('bin/restart.sh', 'a');
    assert.deepEqual(outcome, { kind: 'exited', code: 1 });
    assert.match(output, /Error: broken on purpose/);
    assert.match(
      output,
      /^restart: the server of a ended as soon as it was started\. hello-web is down until .*\.\n$/m,
    );
    await assert.rejects(readPid());
  });

  test('a server that never answers fails the step and is ended', async () => {
    const silent = "console.log('silent', process.pid); setInterval(() => {}, 1000);";
    await release('a', { 'server.js': silent });
    const { outcome, output } = await run('bin/restart.sh', 'a', { START_TIMEOUT_S: '1' });
    assert.deepEqual(outcome, { kind: 'exited', code: 1 });
    assert.match(output, /^restart: the server of a did not answer in time\./m);
    const pid = Number(/^silent (\d+)$/m.exec(output)?.[1]);
    await until(async () => !isAlive(pid), 'the silent server to end');
  });

  test('a server of another commit fails the step', async () => {
    await release('a');
    const { outcome, output } = await run('bin/restart.sh', 'a', { HOOKLINE_COMMIT_HASH: commitOf('b') });
    assert.deepEqual(outcome, { kind: 'exited', code: 1 });
    assert.ok(output.includes(`restart: what answers is ${commitOf('a')} a and not ${commitOf('b')} a.`));
  });

  test('a port that something else has, and a server that ignores TERM, are dealt with', async (t) => {
    const other = await startReceiver();
    t.after(() => other.close());
    await release('a');
    const taken = await run('bin/restart.sh', 'a', { PORT: String(other.port) });
    assert.deepEqual(taken.outcome, { kind: 'exited', code: 1 });
    assert.match(taken.output, /^restart: port \d+ is taken by something else \(HTTP 200\), which was not/);

    const stubborn = await readFile(join(SOURCE, 'server.js'), 'utf8');
    await release('b', {
      'server.js': `process.on('SIGTERM', () => {});${stubborn.split('process.once')[0]}`,
    });
    assert.deepEqual((await run('bin/restart.sh', 'b')).outcome, { kind: 'exited', code: 0 });
    const pid = await serverPid();
    await switchTo('a');
    assert.deepEqual((await run('bin/restart.sh', 'a')).outcome, { kind: 'exited', code: 0 });
    await serverPid();
    assert.equal(isAlive(pid), false);
  });

  test('a pid file that names a process of somebody else ends nobody', async () => {
    await release('a');
    await mkdir(join(application, 'run'));
    await writeFile(join(application, 'run/hello-web.pid'), `${process.pid}\n`);
    assert.deepEqual((await run('bin/restart.sh', 'a')).outcome, { kind: 'exited', code: 0 });
    assert.notEqual(await serverPid(), process.pid);
  });

  test('what Hookline sets is asked for by name', async () => {
    await release('a');
    for (const script of ['bin/restart.sh', 'node build.js']) {
      const { outcome, output } = await run(script, 'a', { HOOKLINE_COMMIT_HASH: '' });
      assert.deepEqual(outcome, { kind: 'exited', code: 1 });
      assert.match(output, /^(restart|build): .*HOOKLINE_COMMIT_HASH/);
    }
  });

  test("its README's commands deploy it, and its own tests pass", async () => {
    const text = await readFile(join(SOURCE, 'README.md'), 'utf8');
    const block = /<!-- test: by hand -->\s*```bash\n([\s\S]*?)```/.exec(text)?.[1];
    assert.ok(block);
    const clone = join(folder, 'clone');
    await cp(SOURCE, clone, { recursive: true });
    await runGit(clone, 'init', '--quiet');
    await runGit(clone, 'add', '--all');
    await runGit(clone, 'commit', '--quiet', '--message=First commit');
    const script = block.replaceAll('/srv/hello-web', application);
    await mkdir(releaseFolder('r1'), { recursive: true });
    const { outcome, output } = await run(`${script}\nnpm test`, 'r1', {
      SOURCE: clone,
      npm_config_offline: 'true',
      npm_config_update_notifier: 'false',
    });
    assert.deepEqual(outcome, { kind: 'exited', code: 0 }, output);
    await serverPid();
    const commit = await runGit(clone, 'rev-parse', 'HEAD');
    assert.deepEqual(await answer('/healthz'), { status: 'ok', commit, release: 'r1' });
    assert.match(output, /^. pass 2$/m);
  });
});

/** A made-up hash of the release's own. */
function commitOf(release: string): string {
  return Buffer.from(release).toString('hex').padEnd(40, '0');
}

function succeeded(output: string): { outcome: StepOutcome; output: string } {
  return { outcome: { kind: 'exited', code: 0 }, output };
}
