import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { TargetUnusable, type StepRun } from '../src/actions/executors/executor.ts';
import { createSshConnections } from '../src/actions/executors/ssh-connections.ts';
import { createSshExecutor } from '../src/actions/executors/ssh.ts';
import type { Clock } from '../src/platform/clock.ts';
import { hostKeyFingerprint } from '../src/platform/ssh-host-key.ts';
import { isAlive } from './support/alive.ts';
import { until } from './support/api-client.ts';
import { killAll, pidsIn, runStep } from './support/executor-suite.ts';
import { createFastClock } from './support/fast-clock.ts';
import { freePort } from './support/free-port.ts';
import { processesOfRun } from './support/run-processes.ts';
import { sshServerKinds, startSshServer, type TestSshServer } from './support/ssh-server.ts';

const done = { kind: 'exited', code: 0 };
/** A server does without a sign of life for 2 s, not 10; it gets one every 0.2 s, not 2. */
const clock = createFastClock({ since: Date.now(), factor: 10 });
const times = { quietSeconds: 2, lostGraceSeconds: 1, graceSeconds: 1 };
const timeouts = { connectMs: 100_000, idleMs: 600_000, keepAliveMs: 5000 };

/** Traps what may be trapped, in the group of the step and in a session of its own. */
const stubborn = (file: string) => {
  const deaf = `trap "" TERM HUP INT PIPE; echo $$ >> ${file}; while :; do sleep 300; done`;
  return `setsid bash -c '${deaf}' & echo begun; ${deaf}`;
};

/** What SSH promises beyond what every executor does. */
for (const kind of sshServerKinds) {
  describe(`steps by SSH (${kind})`, { timeout: 600_000, concurrency: 4 }, () => {
    test('the host key of the first connection that succeeds is pinned, and another one refused from then on', async (t) => {
      const { server, run, pinned } = await start(t);
      await server.refuseKeys();
      await assert.rejects(run('true'), TargetUnusable);
      assert.equal(pinned(), null, 'nothing has succeeded yet');
      await server.acceptKey(server.publicKey);
      assert.deepEqual((await run('true')).outcome, done);
      const before = server.hostKeyFingerprint();
      assert.equal(hostKeyFingerprint(pinned() ?? ''), before);
      await server.replaceHostKey();
      const now = server.hostKeyFingerprint();
      await assert.rejects(run('echo ran > changed'), (error) => {
        assert.ok(error instanceof TargetUnusable);
        for (const part of [before, now, 'has changed', 'web-1', 'nothing was run', 'ssh_host_key'])
          assert.ok(error.message.includes(part), `${part} in: ${error.message}`);
        return true;
      });
      assert.ok(!(await readdir(join(server.home, 'work'))).includes('changed'));
      assert.equal(hostKeyFingerprint(pinned() ?? ''), before, 'the new one is not pinned');
    });

    test('folders of actions that are too old are removed there, by one action of an hour and of each user', async (t) => {
      const { server, run } = await start(t);
      const folder = join(server.home, 'actions');
      const age = async (name: string, days: number) => {
        await mkdir(join(folder, name), { recursive: true });
        const at = new Date(Date.now() - days * 86_400_000);
        await utimes(join(folder, name), at, at);
      };
      const act = (name: string) =>
        run('true', { workingDirectory: join(folder, name), keepSiblingsDays: 30 });
      await age('old', 32);
      await age('young', 28);
      assert.deepEqual((await act('1')).outcome, done);
      assert.deepEqual((await readdir(folder)).sort(), ['1', 'young']);
      await age('old', 32);
      assert.deepEqual((await act('2')).outcome, done);
      assert.deepEqual((await readdir(folder)).sort(), ['1', '2', 'old', 'young']);
    });

    test('a host key that somebody else has pinned meanwhile is the one that counts', async (t) => {
      const other = await start(t);
      await other.run('true');
      const { run } = await start(t, { pin: async () => other.pinned() });
      await assert.rejects(run('true'), /The host key of web-1 .* has changed: it was SHA256:/);
    });

    test('a key that is not accepted is told with the user and what to do', async (t) => {
      const { server, run } = await start(t);
      await server.refuseKeys();
      await assert.rejects(
        run('true'),
        (error) =>
          error instanceof TargetUnusable &&
          error.message ===
            `web-1 (127.0.0.1, port ${server.port}) does not accept Hookline's key for the user ${server.user}. Install it there with the line that the server's ssh_install_command shows.`,
      );
    });

    test('a server where nothing listens is told', async (t) => {
      const port = await freePort();
      const { run } = await start(t, { port });
      await assert.rejects(run('true'), {
        name: 'TargetUnusable',
        message: `web-1 (127.0.0.1, port ${port}) cannot be reached: nothing listens there.`,
      });
    });

    test('a server that does not answer is given up in time, and nobody who cancels waits for it', async (t) => {
      const { server, run, connections, ssh } = await start(t, { timeouts: { connectMs: 500 } });
      server.freeze();
      await assert.rejects(run('true'), /^TargetUnusable: web-1 .* does not answer in time\.$/);
      await assert.rejects(connections.test(ssh()), /does not answer in time/);
      const patient = await start(t, { timeouts: { connectMs: 3_600_000 } });
      patient.server.freeze();
      const abort = new AbortController();
      const running = patient.run('true', { signal: abort.signal });
      await until(async () => patient.server.connections().open === 1, 'it to connect');
      abort.abort();
      assert.deepEqual(await running, { outcome: { kind: 'cancelled' }, output: '' });
    });

    test('a connection that is lost fails the step with the reason, and ends what runs there, also what ignores TERM', async (t) => {
      const { server, run } = await start(t);
      const runId = randomUUID();
      const running = run(stubborn('dropped'), { runId });
      const failed = assert.rejects(
        running,
        /^TargetUnusable: the connection to web-1 was lost \(.*(ECONNRESET|closed).*\)\. What ran there ends within 15 seconds/,
      );
      const pids = await pidsIn(server.home, 'dropped', 2);
      t.after(() => killAll(pids));
      server.drop();
      await failed;
      await until(async () => !pids.some(isAlive), 'nothing of it to be left', 15_000);
      await until(async () => (await processesOfRun(runId)).length === 0, 'nothing of the run to be left');
    });

    test('a line that is dead is noticed, and what runs there ends itself as it hears nothing more', async (t) => {
      const { server, run } = await start(t, { timeouts: { keepAliveMs: 500 } });
      const runId = randomUUID();
      const running = run(stubborn('frozen'), { runId });
      const failed = assert.rejects(
        running,
        /^TargetUnusable: the connection to web-1 was lost \(Keepalive timeout\)/,
      );
      const pids = await pidsIn(server.home, 'frozen', 2);
      t.after(() => killAll(pids));
      server.freeze();
      await failed;
      await until(async () => !pids.some(isAlive), 'nothing of it to be left', 15_000);
      // What was killed is there until it has been given a processor once more.
      await until(async () => (await processesOfRun(runId)).length === 0, 'its children to be gone', 15_000);
    });

    test('a step that is silent for longer than signs of life may stay out runs on', async (t) => {
      const { run } = await start(t);
      assert.deepEqual(await run('sleep 3.5; echo alive'), { outcome: done, output: 'alive\n' });
    });

    test('many steps at once share few connections, none with more sessions than servers take', async (t) => {
      const { server, run } = await start(t);
      const script = `echo x >> begun; until [ "$(wc -l < begun)" = 20 ]; do sleep 0.05; done`;
      const all = await Promise.all(Array.from({ length: 20 }, () => run(script)));
      for (const { outcome } of all) assert.deepEqual(outcome, done);
      assert.equal(server.connections().opened, 3);
    });

    test('the next step takes the same connection, and one that is idle is closed after a while', async (t) => {
      const { server, run } = await start(t, { timeouts: { idleMs: 3000 } });
      for (let step = 0; step < 3; step++) await run('true');
      // The first was to a server whose key was not known yet.
      assert.equal(server.connections().opened, 2);
      await until(async () => server.connections().open === 0, 'the idle connection to be closed');
      assert.deepEqual((await run('true')).outcome, done);
      assert.equal(server.connections().opened, 3);
    });

    test('a connection that is in use is not idle, however long the step takes', async (t) => {
      const { server, run } = await start(t, { timeouts: { idleMs: 100 } });
      await run('true');
      assert.deepEqual((await run('sleep 0.5')).outcome, done);
      await until(async () => server.connections().open === 0, 'the connections to be closed');
    });

    test('a connection that was lost between two steps is opened anew', async (t) => {
      const { server, run } = await start(t);
      await run('true');
      server.drop();
      assert.deepEqual((await run('true')).outcome, done);
      assert.equal(server.connections().opened, 2);
    });

    test('idle connections that have died unnoticed cost the next step some time and nothing else', async (t) => {
      const { server, run } = await start(t, { timeouts: { keepAliveMs: 3_600_000, connectMs: 20_000 } });
      await run('true');
      // More than one connection takes, now that the host key is known.
      const together = `echo x >> begun; until [ "$(wc -l < begun)" = 9 ]; do sleep 0.05; done`;
      await Promise.all(Array.from({ length: 9 }, () => run(together)));
      assert.equal(server.connections().opened, 3);
      server.freeze();
      const running = run('echo arrived');
      // It hangs on one of the old connections, and then goes to a new one.
      await until(async () => server.connections().opened === 4, 'a new connection');
      server.thaw();
      assert.deepEqual(await running, { outcome: done, output: 'arrived\n' });
    });

    test('the next step of a user takes the supervisor that is there, which ends with its connection', async (t) => {
      const { server, run, connections } = await start(t);
      await run('true');
      const supervisor = async () => Number((await run('echo "$PPID"')).output);
      const pid = await supervisor();
      assert.equal(await supervisor(), pid);
      assert.equal(isAlive(pid), true, 'it waits');
      await connections.stop();
      await until(async () => !isAlive(pid), 'it to end');
      await until(async () => server.connections().open === 0, 'the connection to be closed');
    });

    test('a supervisor is not kept for longer than what its user may do stays as it was', async (t) => {
      let later = 0;
      const ageing = { ...clock, elapsed: () => clock.elapsed() + later };
      const { run } = await start(t, { clock: ageing });
      await run('true');
      const first = (await run('echo "$PPID"')).output;
      later = 600_000;
      assert.equal((await run('echo "$PPID"')).output, first, 'while nobody looks it may grow old');
      assert.notEqual((await run('echo "$PPID"')).output, first);
    });

    for (const { name, script } of [
      {
        name: 'a process without an environment',
        script: `setsid env -i bash -c 'trap "" PIPE; until [ -e go ]; do sleep 0.05; done; echo stray; touch gone' &`,
      },
      {
        name: 'an output that does not block',
        // Killed, it does not set it back.
        script: `${process.execPath} -e 'new (require("node:net").Socket)({ fd: 1, readable: false }); process.kill(process.pid, "SIGKILL")' || touch gone`,
      },
    ]) {
      test(`a step that leaves ${name} behind spoils nothing of the next`, async (t) => {
        const { run } = await start(t);
        await run('true');
        const before = (await run('echo "$PPID"')).output;
        assert.deepEqual((await run(script)).outcome, done);
        const next = `echo "$PPID"; touch go; until [ -e gone ]; do sleep 0.05; done; head -c 3000000 /dev/zero | tr '\\0' x`;
        let output = '';
        const slowly = async (text: string) => {
          output += text;
          if (output.length < 1_000_000) await clock.sleep(50);
        };
        assert.deepEqual((await run(next, { onOutput: slowly })).outcome, done);
        const [pid = '', rest = ''] = output.split('\n');
        assert.notEqual(`${pid}\n`, before);
        assert.match(rest, /^x{3000000}$/);
      });
    }

    for (const { name, lines } of [
      { name: 'prints', lines: 'echo welcome; echo "read the news" >&2; printf "no end"' },
      { name: 'prints a lot', lines: 'head -c 300000 /dev/zero | tr "\\0" x; head -c 300000 /dev/zero >&2' },
      { name: 'is slow', lines: 'sleep 0.7' },
      {
        name: 'sets what bash does',
        lines: 'set -u; shopt -s nullglob; alias echo=false; trap "echo bye" EXIT; umask 077',
      },
    ]) {
      test(`a .bashrc that ${name} is no part of a step`, async (t) => {
        const { server, run } = await start(t);
        await writeFile(join(server.home, '.bashrc'), `cd\n${lines}\n`);
        const { outcome, output } = await run('echo hello; echo "$OPTIONAL" >&2; exit 5');
        assert.deepEqual({ outcome, output }, { outcome: { kind: 'exited', code: 5 }, output: 'hello\n\n' });
      });
    }

    test('a home where no step can begin is told with what the server says', async (t) => {
      const { run } = await start(t);
      await assert.rejects(run('true', { workingDirectory: '/proc/none' }), (error) => {
        assert.ok(error instanceof TargetUnusable);
        return /cannot create directory.*\/proc.*\.$/.test(error.message);
      });
    });
  });

  type Given = {
    clock?: Clock;
    port?: number;
    timeouts?: Partial<typeof timeouts>;
    pin?: (serverId: number, hostKey: string) => Promise<string | null>;
  };

  async function start(t: TestContext, given: Given = {}) {
    const server: TestSshServer = await startSshServer(kind);
    let hostKey: string | null = null;
    const connections = createSshConnections({
      clock: given.clock ?? clock,
      pin: given.pin ?? (async (_id, key) => (hostKey ??= key)),
      timeouts: { ...timeouts, ...given.timeouts },
    });
    t.after(async () => {
      await connections.stop();
      await server.stop();
    });
    const ssh = () => ({ id: 1, hostname: 'web-1', ...server, port: given.port ?? server.port, hostKey });
    const run = (script: string, fields: Partial<StepRun> = {}) =>
      runStep(createSshExecutor({ connections, server: ssh(), clock, times }), server.home, script, {
        timeoutMs: 600_000,
        ...fields,
      });
    return { server, connections, run, ssh, pinned: () => hostKey };
  }
}
