import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import ssh2, { type Connection, type ServerChannel, type Session } from 'ssh2';
import { TargetUnusable } from '../src/actions/executors/executor.ts';
import { createSshConnections } from '../src/actions/executors/ssh-connections.ts';
import { createSshExecutor } from '../src/actions/executors/ssh.ts';
import { supervisorTimes } from '../src/actions/executors/supervisor.ts';
import { keyPair } from '../src/inventory/servers/key-pair.ts';
import { until } from './support/api-client.ts';
import { runStep } from './support/executor-suite.ts';
import { createFastClock } from './support/fast-clock.ts';

const MEGABYTE = 1024 * 1024;
/** The 20 s that the other side has to end a step are 1 s, a second of timeout is 50 ms. */
const clock = createFastClock({ since: Date.now(), factor: 20 });
/** Where it is not about how long something takes. */
const patience = 600_000;
const hostKey = keyPair(undefined, 'host').privateKey;
const { privateKey } = keyPair(undefined, 'client');

/** What a server that means ill, or is broken, can do to Hookline: fail its own steps, and nothing else. */
describe('a hostile SSH server', { timeout: 600_000, concurrency: true }, () => {
  test('that never stops its greeting is given up', async (t) => {
    const { connections, server } = await startRaw(t, (socket) => writeOn(socket, 'hello\r\n'.repeat(1000)));
    await assert.rejects(connections.test(server), TargetUnusable);
  });

  test('that greets with a line that has no end is given up', async (t) => {
    const { connections, server } = await startRaw(t, (socket) => writeOn(socket, 'x'.repeat(60_000)));
    await assert.rejects(connections.test(server), TargetUnusable);
  });

  test('that says nothing is given up', async (t) => {
    const { connections, server } = await startRaw(t, () => undefined);
    await assert.rejects(connections.test(server), /does not answer in time\.$/);
  });

  test('that opens no session is given up', async (t) => {
    const { run } = await start(t, { onSession: () => undefined });
    await assert.rejects(run(), /web-1 cannot run it: it does not start a shell in time\.$/);
  });

  test('that does not start the command is given up', async (t) => {
    const { run } = await start(t, {
      onSession: (accept) => void accept().on('exec', () => undefined),
    });
    await assert.rejects(run(), /web-1 cannot run it: it does not start a shell in time\.$/);
  });

  test('that ends a command without a word fails the step', async (t) => {
    const { run } = await start(t, { onStep: (channel) => channel.close() });
    await assert.rejects(run(), (error) => error instanceof TargetUnusable && /was lost/.test(error.message));
  });

  test('that never closes a command that has ended holds nobody up, and gets a new connection', async (t) => {
    const { run, connectionsOpened } = await start(t, {
      onStep: (channel, mark) => {
        channel.write('all of it');
        channel.stderr.write(`hookline-${mark} ended\n`);
        channel.exit(3);
      },
      neverCloses: true,
      connectMs: patience,
    });
    for (const _ of [1, 2]) {
      assert.deepEqual(await run({ timeoutMs: 3_600_000 }), {
        outcome: { kind: 'exited', code: 3 },
        output: 'all of it',
      });
    }
    assert.equal(connectionsOpened(), 2);
  });

  test('that neither ends nor closes a command cannot keep a step beyond its timeout', async (t) => {
    const { run } = await start(t, {
      onStep: () => undefined,
      neverCloses: true,
      connectMs: patience,
    });
    await assert.rejects(run(), /lost \(it does not answer\)/);
  });

  test('that neither ends nor closes a command cannot keep one that is cancelled', async (t) => {
    const abort = new AbortController();
    const { run } = await start(t, {
      onStep: () => abort.abort(),
      neverCloses: true,
    });
    await assert.rejects(run({ signal: abort.signal, timeoutMs: 3_600_000 }), TargetUnusable);
  });

  for (const { name, flood } of [
    {
      name: 'output before it has begun',
      flood: (channel: ServerChannel) => writeOn(channel, 'noise\n'.repeat(5000)),
    },
    { name: 'errors', flood: (channel: ServerChannel) => writeOn(channel.stderr, 'noise\n'.repeat(5000)) },
  ]) {
    test(`that floods ${name} fills no memory, and is left at the timeout`, async (t) => {
      const { run } = await start(t, { onStep: flood });
      const before = process.memoryUsage().arrayBuffers;
      const running = run({ timeoutMs: 10_000 });
      const watching = highest(running);
      await assert.rejects(
        running,
        (error) => error instanceof TargetUnusable && error.message.length < 5000,
      );
      assert.ok((await watching) - before < 150 * MEGABYTE, `${(await watching) - before} bytes more`);
    });
  }

  test('that sends more than it may to a reader that is slow is cut off, and fills no memory', async (t) => {
    const gate = Promise.withResolvers<void>();
    let sent = 0;
    const { run } = await start(t, {
      onStep: (channel, _mark, connection) => {
        // Past the window that it was given, in pieces that never fill it exactly: what the library looks at.
        const { _protocol: protocol } = connection as unknown as {
          _protocol: { channelData(id: number, data: Buffer): void };
        };
        const { outgoing } = channel as unknown as { outgoing: { id: number } };
        const piece = Buffer.alloc(32_001, 'x');
        const more = setInterval(() => {
          if (sent >= 100 * MEGABYTE) return clearInterval(more);
          for (let count = 0; count < 50; count++, sent += piece.length)
            protocol.channelData(outgoing.id, piece);
        }, 1);
        connection.once('close', () => {
          clearInterval(more);
          gate.resolve();
        });
      },
      connectMs: patience,
    });
    await assert.rejects(
      run({ timeoutMs: 3_600_000, onOutput: () => gate.promise }),
      /lost \(it sends more than it was allowed to\)/,
    );
    assert.ok(sent < 60 * MEGABYTE, `${sent} bytes were taken`);
  });

  test('that takes fewer sessions over a connection than others do gets more connections', async (t) => {
    let open = 0;
    const { run, connectionsOpened } = await start(t, {
      onStep: (channel, mark) => {
        open++;
        channel.stderr.write(`hookline-${mark} ended\n`);
        void until(async () => open === 4, 'all four to run at the same time').then(() => {
          channel.exit(0);
          channel.end();
        });
      },
      mostSessions: 2,
      connectMs: patience,
    });
    const all = await Promise.all([1, 2, 3, 4].map(() => run({ timeoutMs: 3_600_000 })));
    assert.deepEqual(
      [...new Set(all.map(({ outcome }) => JSON.stringify(outcome)))],
      ['{"kind":"exited","code":0}'],
    );
    assert.ok(connectionsOpened() >= 2);
  });
});

type Behaviour = {
  onSession?: (accept: () => Session) => void;
  /** What a supervisor would do when it is told of a step. */
  onStep?: (channel: ServerChannel, mark: string, connection: Connection) => void;
  /** Does not answer when a channel is closed. */
  neverCloses?: boolean;
  mostSessions?: number;
  /** How long it may take to sign in and to start a command; of the latter a twentieth in real time. */
  connectMs?: number;
};

/** A server that lets everybody in, and a way to run a step there. */
async function start(t: TestContext, behaviour: Behaviour) {
  let opened = 0;
  const ssh = new ssh2.Server({ hostKeys: [hostKey] }, (connection) => {
    opened++;
    let sessions = 0;
    connection.on('error', () => undefined);
    connection.on('authentication', (attempt) => attempt.accept());
    connection.on('session', (accept, reject) => {
      if (++sessions > (behaviour.mostSessions ?? Infinity)) return reject();
      if (behaviour.onSession) return behaviour.onSession(accept);
      accept().on('exec', (acceptCommand) => {
        const channel = acceptCommand();
        channel.on('error', () => undefined);
        if (behaviour.neverCloses) channel.close = channel.eof = () => undefined;
        let input = '';
        channel.on('data', (piece: Buffer) => {
          const before = input;
          input += piece.toString();
          const told = (text: string, what: RegExp) => what.exec(text)?.[1];
          const greeting = told(input, /^here (\S+)\n/m);
          if (greeting && !told(before, /^here (\S+)\n/m)) channel.write(`\0hookline-${greeting} here\n`);
          const mark = told(input, /^run (\S+) /m);
          if (mark && !told(before, /^run (\S+) /m)) behaviour.onStep?.(channel, mark, connection);
        });
      });
    });
  });
  const made = await startRaw(t, (socket) => ssh.injectSocket(socket), behaviour.connectMs);
  const executor = createSshExecutor({ ...made, clock, times: { ...supervisorTimes, graceSeconds: 1 } });
  return {
    run: (fields: Parameters<typeof runStep>[3] = {}) =>
      runStep(executor, '/tmp', 'true', { timeoutMs: 1000, ...fields }),
    connectionsOpened: () => opened,
  };
}

async function startRaw(t: TestContext, serve: (socket: Socket) => void, connectMs = 2000) {
  const sockets = new Set<Socket>();
  const listener = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket.on('error', () => undefined));
    serve(socket);
  });
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  const connections = createSshConnections({
    clock,
    pin: async (_id, key) => key,
    timeouts: { connectMs },
  });
  t.after(async () => {
    await connections.stop();
    for (const socket of sockets) socket.destroy();
    listener.close();
  });
  const { port } = listener.address() as AddressInfo;
  const server = {
    id: 1,
    hostname: 'web-1',
    host: '127.0.0.1',
    port,
    user: 'deploy',
    privateKey,
    hostKey: null,
  };
  return { connections, server };
}

/** Writes for as long as somebody takes it. */
function writeOn(to: NodeJS.WritableStream & { destroyed?: boolean }, text: string): void {
  to.on('error', () => undefined);
  const more = (): void => {
    if (!to.destroyed && to.writable) to.write(text, () => setImmediate(more));
  };
  more();
}

async function highest(while_: Promise<unknown>): Promise<number> {
  let most = 0;
  const timer = setInterval(() => (most = Math.max(most, process.memoryUsage().arrayBuffers)), 10);
  await while_.catch(() => undefined);
  clearInterval(timer);
  return most;
}
