import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { until } from './support/api-client.ts';
import { createApplication, createPipeline, openWorkplace, untilAction } from './support/fixtures.ts';
import type { TestAction, Workplace } from './support/fixtures.ts';
import { startServer, type TestServer } from './support/server.ts';
import { sshServerKinds, startSshServer, type TestSshServer } from './support/ssh-server.ts';

type Connection = {
  status: 'untested' | 'ok' | 'failed';
  message: string | null;
  checked_at: string | null;
  host_key_fingerprint: string | null;
};
type Server = {
  id: number;
  hostname: string;
  ssh_public_key: string;
  ssh_install_command: string;
  connection: Connection;
};
type Target = {
  id: number;
  resource_data: { hostname: string };
  status: string;
  status_reason_human_readable: string;
};

/** The last one is OpenSSH's where there is one. */
const kind = sshServerKinds.at(-1) ?? 'ssh2';

describe(`servers that steps run on by SSH (${kind})`, { timeout: 600_000, concurrency: 4 }, () => {
  const ends = new AsyncDisposableStack();
  after(() => ends.disposeAsync());
  let hookline: TestServer;
  let work: Workplace;
  /** Everything that any call has answered. */
  let answers = '';
  const keys: string[] = [];

  before(async () => {
    hookline = ends.adopt(await startServer({ env: { HOOKLINE_LOG_LEVEL: 'trace' } }), (one) => one.stop());
    work = await openWorkplace(hookline);
    const { request } = work.api;
    work.api.request = async (...given) => {
      const answer = await request<never>(...given);
      answers += JSON.stringify(answer.body ?? null);
      return answer;
    };
  });

  let serial = 0;
  const startSsh = async (t: TestContext): Promise<TestSshServer> => {
    const made = await startSshServer(kind);
    t.after(() => made.stop());
    keys.push(made.privateKey);
    return made;
  };
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer = await work.api.request<T>(method, path, body);
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const addServer = (ssh: TestSshServer, fields: object = {}): Promise<Server> =>
    call('POST', `/environments/${work.environmentId}/servers`, {
      hostname: `machine-${++serial}`,
      ip_address: ssh.host,
      ssh_port: ssh.port,
      ssh_user: ssh.user,
      ...fields,
    });
  const connectionOf = async (id: number): Promise<Connection> =>
    (await call<Server>('GET', `/servers/${id}`)).connection;
  const tested = (id: number): Promise<Connection> =>
    until(async () => {
      const connection = await connectionOf(id);
      return connection.status !== 'untested' && connection;
    }, `the connection of server ${id} to be tested`);
  const testNow = (id: number) => call<Connection>('POST', `/servers/${id}/test-connection`);
  const run = async (servers: number[], commands: string[]): Promise<TestAction & { targets: Target[] }> => {
    const pipelineId = await createPipeline(work, await createApplication(work), commands);
    const { id } = await call<TestAction>('POST', `/pipelines/${pipelineId}/actions`, { servers });
    await untilAction(work, id);
    return await call('GET', `/actions/${id}`);
  };
  const outputOf = async (action: TestAction, target: Target, order = 1): Promise<string> => {
    const path = `/actions/${action.id}/targets/${target.id}/steps/${order}/logs`;
    return (await call<{ step: { output: string } }>('GET', path)).step.output;
  };

  test('a server with a key of its own is tested once it was added, and shows the host key that it has', async (t) => {
    const ssh = await startSsh(t);
    const { id, connection } = await addServer(ssh, { ssh_private_key: ssh.privateKey });
    assert.equal(connection.status, 'untested');
    const { checked_at, ...found } = await tested(id);
    assert.deepEqual(found, {
      status: 'ok',
      message: `Signed in as ${ssh.user}.`,
      host_key_fingerprint: ssh.hostKeyFingerprint(),
    });
    assert.ok(Date.now() - Date.parse(checked_at ?? '') < 60_000);
  });

  test('a server with a key that was made here says what to install, and can be signed in at once it is', async (t) => {
    const ssh = await startSsh(t);
    const { id, ssh_public_key, ssh_install_command } = await addServer(ssh);
    const refused = await tested(id);
    assert.equal(refused.status, 'failed');
    assert.match(
      refused.message ?? '',
      /does not accept Hookline's key for the user \S+\. Install it there .*ssh_install_command/,
    );
    assert.equal(refused.host_key_fingerprint, null, 'a host key is remembered when a sign-in has succeeded');
    assert.ok(ssh_install_command.includes(ssh_public_key));
    assert.match(ssh_public_key, /^ssh-ed25519 \S+ \S+$/);
    await ssh.acceptKey(ssh_public_key);
    const { status, host_key_fingerprint } = await testNow(id);
    assert.deepEqual(
      { status, host_key_fingerprint },
      { status: 'ok', host_key_fingerprint: ssh.hostKeyFingerprint() },
    );
    assert.equal((await connectionOf(id)).status, 'ok');
  });

  test('a pipeline runs on two servers side by side, with a log of each', async (t) => {
    const all = await Promise.all([startSsh(t), startSsh(t)]);
    const servers = await Promise.all(all.map((ssh) => addServer(ssh, { ssh_private_key: ssh.privateKey })));
    const [one, other] = all;
    // Each waits for what the other does: one after the other would wait for ever.
    await writeFile(
      join(one!.home, 'meet'),
      `touch ${other!.home}/met; until [ -e ${one!.home}/met ]; do sleep 0.02; done`,
    );
    await writeFile(
      join(other!.home, 'meet'),
      `touch ${one!.home}/met; until [ -e ${other!.home}/met ]; do sleep 0.02; done`,
    );
    const commands = ['. ~/meet; echo "I am $HOOKLINE_TARGET in $HOME"', 'pwd; echo "step $HOOKLINE_STEP"'];
    const action = await run(
      servers.map(({ id }) => id),
      commands,
    );
    assert.equal(action.status, 'completed', action.status_reason_human_readable);
    assert.equal(action.targets.length, 2);
    for (const [index, server] of servers.entries()) {
      const target = action.targets.find(({ resource_data }) => resource_data.hostname === server.hostname);
      const { home } = all[index]!;
      assert.equal(await outputOf(action, target!), `I am ${server.hostname} in ${home}\n`);
      const place = new RegExp(`^${home}/\\.hookline/workspaces/[0-9a-f]{8}-${action.id}\nstep 2\n$`);
      assert.match(await outputOf(action, target!, 2), place);
    }
  });

  test('a host key that has changed fails the action with a sentence, until it is forgotten', async (t) => {
    const ssh = await startSsh(t);
    const { id, hostname } = await addServer(ssh, { ssh_private_key: ssh.privateKey });
    await tested(id);
    const before = ssh.hostKeyFingerprint();
    await ssh.replaceHostKey();
    const refused = await run([id], [`echo ran > ${ssh.home}/ran`]);
    assert.equal(refused.status, 'failed');
    const reason = refused.status_reason_human_readable;
    for (const part of [
      `The host key of ${hostname} `,
      before,
      ssh.hostKeyFingerprint(),
      'nothing was run',
      '"ssh_host_key": null',
    ])
      assert.ok(reason.includes(part), `${part} in: ${reason}`);
    assert.equal((await testNow(id)).status, 'failed');
    await call('PUT', `/servers/${id}`, { ssh_host_key: null });
    const { status, host_key_fingerprint } = await tested(id);
    assert.deepEqual(
      { status, host_key_fingerprint },
      { status: 'ok', host_key_fingerprint: ssh.hostKeyFingerprint() },
    );
    const mended = await run([id], [`[ ! -e ${ssh.home}/ran ]`]);
    assert.equal(mended.status, 'completed', mended.status_reason_human_readable);
  });

  test('a server that is at another port or address has no host key yet', async (t) => {
    const [ssh, other] = await Promise.all([startSsh(t), startSsh(t)]);
    const { id } = await addServer(ssh, { ssh_private_key: ssh.privateKey });
    await tested(id);
    await call('PUT', `/servers/${id}`, { max_parallel_actions: 2 });
    assert.equal(
      (await connectionOf(id)).host_key_fingerprint,
      ssh.hostKeyFingerprint(),
      'kept by any other change',
    );
    await call('PUT', `/servers/${id}`, { ssh_port: other.port });
    const refused = await tested(id);
    assert.deepEqual([refused.status, refused.host_key_fingerprint], ['failed', null]);
    await other.acceptKey(ssh.publicKey);
    assert.equal((await testNow(id)).host_key_fingerprint, other.hostKeyFingerprint());
    await call('PUT', `/servers/${id}`, { ip_address: '::ffff:127.0.0.1', ssh_port: ssh.port });
    assert.equal((await tested(id)).host_key_fingerprint, ssh.hostKeyFingerprint());
  });

  test('a host key that was given is not learnt from whoever answers', async (t) => {
    const ssh = await startSsh(t);
    const wrong = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f';
    const { id } = await addServer(ssh, { ssh_private_key: ssh.privateKey, ssh_host_key: wrong });
    const { status, message } = await tested(id);
    assert.equal(status, 'failed');
    assert.match(message ?? '', /The host key of .* has changed/);
  });

  test('a server that goes away in the middle of a step fails the action with the reason', async (t) => {
    const ssh = await startSsh(t);
    const { id, hostname } = await addServer(ssh, { ssh_private_key: ssh.privateKey });
    await tested(id);
    const running = run([id], ['touch ~/begun; sleep 300', 'echo never']);
    await until(async () => existsSync(join(ssh.home, 'begun')), 'the step to begin');
    ssh.drop();
    const action = await running;
    assert.equal(action.status, 'failed');
    assert.match(
      action.status_reason_human_readable,
      new RegExp(`^Step 1 on ${hostname}: the connection to ${hostname} was lost \\(`),
    );
  });

  test('a secret in what a server says, before a step has begun, is masked in the reason', async (t) => {
    const ssh = await startSsh(t);
    const { id } = await addServer(ssh, { ssh_private_key: ssh.privateKey });
    await tested(id);
    const application = await createApplication(work);
    const secret = 'a-very-secret-value-of-a-variable';
    await call('POST', `/variables/application/${application.id}`, {
      key: 'API_KEY',
      value: secret,
      hidden: true,
    });
    // Gives back what it reads, as a shell does that takes a step for commands of its own.
    await writeFile(join(ssh.home, '.bashrc'), 'cd; timeout 0.5 cat >&2; exit 3\n');
    const pipelineId = await createPipeline(work, application, ['echo "$API_KEY"']);
    const body = { servers: [id] };
    const { id: actionId } = await call<TestAction>('POST', `/pipelines/${pipelineId}/actions`, body);
    const action = await untilAction(work, actionId);
    if (kind === 'openssh') assert.match(action.status_reason_human_readable, /API_KEY/);
    await call('GET', `/actions/${actionId}`);
    assert.ok(!answers.includes(secret), action.status_reason_human_readable);
    assert.ok(!hookline.output().includes(secret));
  });

  after(() => {
    // Base64 in lines: any of them would tell a part of it.
    for (const line of keys.flatMap((key) => key.split('\n')).filter((text) => /^[\w+/=]{40,}$/.test(text))) {
      if (line.startsWith('b3BlbnNzaC1rZXktdjE')) continue;
      assert.ok(!answers.includes(line), 'a private key in an answer');
      assert.ok(!hookline.output().includes(line), 'a private key in the log');
    }
  });
});
