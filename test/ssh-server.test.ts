import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { buffer, text } from 'node:stream/consumers';
import ssh2 from 'ssh2';
import type { Client, ClientChannel, ConnectConfig, ParsedKey } from 'ssh2';
import { keyPair } from '../src/inventory/servers/key-pair.ts';
import { isAlive } from './support/alive.ts';
import { until } from './support/api-client.ts';
import { startProcessLine } from './support/process-line.ts';
import type { ProcessLine } from './support/process-line.ts';
import { sshServerKinds, startSshServer } from './support/ssh-server.ts';
import type { TestSshServer } from './support/ssh-server.ts';

const TIMEOUT_MS = 30_000;
const MEGABYTE = 1024 * 1024;

for (const kind of sshServerKinds) {
  const promise = (name: string, check: (t: TestContext, server: TestSshServer) => Promise<void>) =>
    test(`${kind}: ${name}`, { timeout: TIMEOUT_MS }, async (t) => {
      const server = await startSshServer(kind);
      t.after(() => server.stop());
      await check(t, server);
    });

  promise('a command tells its output, its errors and its exit code', async (t, server) => {
    const client = await connect(t, server);
    const command = 'echo out; echo "$USER" >&2; echo "$HOME $PWD"; exit 7';
    assert.deepEqual(await run(client, command), {
      stdout: `out\n${server.home} ${server.home}\n`,
      stderr: `${server.user}\n`,
      code: 7,
      signal: undefined,
    });
  });

  promise('a command that dies of a signal tells which', async (t, server) => {
    const { code, signal } = await run(await connect(t, server), 'kill -TERM $$');
    assert.deepEqual([code, signal], [null, 'SIGTERM']);
  });

  promise('what the client writes reaches the command', async (t, server) => {
    const bytes = Buffer.alloc(5 * MEGABYTE, 'hookline');
    const counted = await run(await connect(t, server), 'sha256sum', bytes);
    assert.match(counted.stdout, new RegExp(`^${createHash('sha256').update(bytes).digest('hex')}`));
  });

  promise('who writes to a command that closed its input is held up, but sees its end', async (t, server) => {
    const line = await lineFor(t);
    const deaf = await execute(await connect(t, server), `${line.open}; exec <&-; read -r _ <&3; exit 6`);
    deaf.end(Buffer.alloc(5 * MEGABYTE));
    await line.say('enough');
    assert.equal((await resultOf(deaf)).code, 6);
    assert.equal(deaf.writableFinished, false);
  });

  promise('a connection carries several commands at a time', async (t, server) => {
    const client = await connect(t, server);
    const reader = await execute(client, 'cat; exit 4');
    const other = await run(client, 'echo meanwhile');
    assert.equal(other.stdout, 'meanwhile\n');
    const result = resultOf(reader);
    reader.end('at last');
    assert.deepEqual(await result, { stdout: 'at last', stderr: '', code: 4, signal: undefined });
    assert.deepEqual(server.connections(), { opened: 1, open: 1 });
  });

  promise('output and errors beyond the window arrive whole, however they are mixed', async (t, server) => {
    const command = `for part in 1 2 3; do head -c ${3 * MEGABYTE} /dev/zero; head -c ${3 * MEGABYTE} /dev/zero >&2; done`;
    const channel = await execute(await connect(t, server), command);
    const [out, errors] = await Promise.all([buffer(channel), buffer(channel.stderr)]);
    assert.deepEqual([out.length, errors.length], [9 * MEGABYTE, 9 * MEGABYTE]);
  });

  promise('the exit code comes at once, the end when nobody holds the output any more', async (t, server) => {
    const line = await lineFor(t);
    const command = `${line.open}; (read -r word <&3; echo "$word") & read -r _; exit 5`;
    const channel = await execute(await connect(t, server), command);
    const exit = once(channel, 'exit');
    channel.write('go\n');
    assert.deepEqual(await exit, [5]);
    await line.say('late');
    assert.equal((await resultOf(channel)).stdout, 'late\n');
  });

  promise('a drop ends the connection and the pipes of a command, but not the command', async (t, server) => {
    const line = await lineFor(t);
    const client = await connect(t, server);
    const untilEnd = `trap '' PIPE; echo up >&3; cat; echo end >&3; while echo lost; do :; done 2>&-; echo broken >&3`;
    await execute(client, `${line.open}; ${untilEnd}; read -r word <&3; echo "$word" >&3`);
    assert.equal(await line.heard(), 'up');
    const closed = closeOf(client);
    server.drop();
    await closed;
    assert.equal(await line.heard(), 'end');
    assert.equal(await line.heard(), 'broken');
    await line.say('still here');
    assert.equal(await line.heard(), 'still here');
    assert.equal(server.connections().open, 0);
    assert.equal((await run(await connect(t, server), 'echo again')).stdout, 'again\n');
  });

  promise('frozen, nothing passes and nothing closes; thawed, it goes on', async (t, server) => {
    const line = await lineFor(t);
    const fromClient = '(while read -r word; do echo "$word" >&3; done) <&0 &';
    const fromLine = 'while read -r word <&3; do echo "$word" >&3; echo "$word"; done';
    const client = await connect(t, server);
    const channel = await execute(client, `${line.open}; ${fromClient} ${fromLine}`);
    const output = channel[Symbol.asyncIterator]();
    channel.write('warm\n');
    assert.equal(await line.heard(), 'warm');

    server.freeze();
    channel.write('from the client\n');
    const answer = output.next();
    const seen: string[] = [];
    void answer.then(() => seen.push('output'), String);
    const second = newClient(t);
    second.once('ready', () => seen.push('ready')).once('close', () => seen.push('close'));
    second.connect(configFor(server));
    await until(async () => server.connections().opened === 2, 'the second connection');
    for (let round = 0; round < 50; round++) {
      await line.say(`round ${round}`);
      assert.equal(await line.heard(), `round ${round}`);
    }
    assert.deepEqual(seen, []);
    assert.deepEqual(server.connections(), { opened: 2, open: 2 });

    const ready = once(second, 'ready');
    server.thaw();
    await ready;
    assert.match(String((await answer).value), /^round 0/);
    assert.equal(await line.heard(), 'from the client');
  });

  promise('a drop cuts what is frozen', async (t, server) => {
    const client = await connect(t, server);
    server.freeze();
    const closed = closeOf(client);
    server.drop();
    await closed;
  });

  promise('another host key shows at the same port, and cuts who was there', async (t, server) => {
    const first = await connect(t, server);
    const before = server.hostKeyFingerprint();
    const closed = closeOf(first);
    await server.replaceHostKey();
    await closed;
    assert.notEqual(server.hostKeyFingerprint(), before);
    assert.equal((await run(await connect(t, server), 'echo there')).stdout, 'there\n');
  });

  promise('only an accepted key signs in, and only its owner', async (t, server) => {
    const other = keyPair(undefined, 'other');
    assert.equal(await signIn(t, server, {}), true);
    assert.equal(await signIn(t, server, { username: 'nobody' }), false);
    assert.equal(await signIn(t, server, { privateKey: other.privateKey }), false);
    assert.equal(await signIn(t, server, { privateKey: undefined, password: '' }), false);

    const stolen = withPublicKeyOf(parse(other.privateKey), parse(server.privateKey));
    const forged = { type: 'publickey' as const, username: server.user, key: stolen };
    assert.equal(await signIn(t, server, { authHandler: [forged] }), false);

    await server.acceptKey(other.publicKey);
    assert.equal(await signIn(t, server, { privateKey: other.privateKey }), true);
    assert.equal(await signIn(t, server, {}), true);

    await server.refuseKeys();
    assert.equal(await signIn(t, server, { privateKey: other.privateKey }), false);
    assert.equal(await signIn(t, server, {}), false);

    await server.replaceHostKey();
    assert.equal(await signIn(t, server, {}), false);
    await server.acceptKey(server.publicKey);
    assert.equal(await signIn(t, server, {}), true);
  });

  promise('nothing that it ran outlives its stop', async (t, server) => {
    const client = await connect(t, server);
    const running = await run(client, 'setsid sleep 1000 >/dev/null 2>&1 & echo $!');
    const attached = await execute(client, 'echo $$; exec sleep 1000');
    const [first] = await once(attached, 'data');
    const pids = [Number(running.stdout), Number(String(first))];
    assert.deepEqual(pids.map(isAlive), [true, true]);
    server.freeze();
    await server.stop();
    await server.stop();
    assert.deepEqual(pids.map(isAlive), [false, false]);
  });

  test(`${kind}: nothing that it ran outlives a killed test`, { timeout: TIMEOUT_MS }, async (t) => {
    const line = await lineFor(t);
    const owner = spawn(
      process.execPath,
      [join(import.meta.dirname, 'support', 'ssh-server-owner.ts'), kind],
      {
        env: { ...process.env, COMMAND: `${line.open}; (trap '' HUP; setsid sleep 1000) & echo started >&3` },
        stdio: 'inherit',
      },
    );
    t.after(() => owner.kill('SIGKILL'));
    assert.equal(await line.heard(), 'started');
    owner.kill('SIGKILL');
    assert.equal(await line.heard(), undefined);
  });
}

function newClient(t: TestContext): Client {
  const client = new ssh2.Client();
  t.after(() => client.destroy());
  return client.on('error', () => {}); // a test waits for what follows it
}

function configFor(server: TestSshServer): ConnectConfig {
  return {
    host: server.host,
    port: server.port,
    username: server.user,
    privateKey: server.privateKey,
    hostVerifier: (key: Buffer) => fingerprint(key) === server.hostKeyFingerprint(),
  };
}

async function connect(t: TestContext, server: TestSshServer): Promise<Client> {
  const client = newClient(t);
  const ready = once(client, 'ready');
  client.connect(configFor(server)).setNoDelay(true);
  await ready;
  return client;
}

/** Not `once`, which takes the error that comes before it for a failure. */
function closeOf(client: Client): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  client.once('close', () => resolve());
  return promise;
}

async function signIn(t: TestContext, server: TestSshServer, change: ConnectConfig): Promise<boolean> {
  const client = newClient(t);
  const outcome = Promise.withResolvers<boolean>();
  client.once('ready', () => outcome.resolve(true)).once('close', () => outcome.resolve(false));
  client.connect({ ...configFor(server), ...change }).setNoDelay(true);
  const accepted = await outcome.promise;
  client.destroy();
  return accepted;
}

type Result = { stdout: string; stderr: string; code: number | null; signal: string | undefined };

async function run(client: Client, command: string, input?: Buffer): Promise<Result> {
  const channel = await execute(client, command);
  const result = resultOf(channel);
  channel.end(input);
  return result;
}

function execute(client: Client, command: string): Promise<ClientChannel> {
  const { promise, resolve, reject } = Promise.withResolvers<ClientChannel>();
  client.exec(command, (error, channel) => (error ? reject(error) : resolve(channel)));
  return promise;
}

async function resultOf(channel: ClientChannel): Promise<Result> {
  const closed = once(channel, 'close');
  const [stdout, stderr] = await Promise.all([text(channel), text(channel.stderr)]);
  const [code, signal] = (await closed) as [number | null, string | undefined];
  return { stdout, stderr, code, signal };
}

async function lineFor(t: TestContext): Promise<ProcessLine> {
  const line = await startProcessLine();
  t.after(() => line.stop());
  return line;
}

function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replaceAll('=', '')}`;
}

function parse(privateKey: string): ParsedKey {
  const parsed = ssh2.utils.parseKey(privateKey);
  if (parsed instanceof Error) throw parsed;
  return parsed;
}

/** Signs with one key and claims to be the other, as somebody would who only knows its public half. */
function withPublicKeyOf(signer: ParsedKey, victim: ParsedKey): ParsedKey {
  return Object.assign(signer, { getPublicSSH: () => victim.getPublicSSH() });
}
