import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { until } from './support/api-client.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import { openWorkplace, untilAction } from './support/fixtures.ts';
import type { Workplace } from './support/fixtures.ts';
import { startReceiver } from './support/receiver.ts';
import { startServer } from './support/server.ts';

type Step = { id: number; command: string };
type Pipeline = {
  id: number;
  name: string;
  operation: string;
  is_auto_generated: boolean;
  max_parallel_actions: number;
  steps: Step[];
};
type Operation = 'start' | 'stop' | 'restart' | 'get_status';

const operations: readonly Operation[] = ['start', 'stop', 'restart', 'get_status'];
const pathOf = (operation: Operation) => operation.replace('_', '-');

for (const kind of databaseKinds) {
  describe(`what is done to a whole server (${kind})`, { timeout: 600_000 }, () => {
    const ends = new AsyncDisposableStack();
    after(() => ends.disposeAsync());
    let work: Workplace;
    let folder: string;

    before(async () => {
      const database = ends.adopt(await createTestDatabase(kind), (made) => made.drop());
      const server = ends.adopt(await startServer({ database }), (started) => started.stop());
      work = await openWorkplace(server);
      folder = await mkdtemp(join(tmpdir(), 'hookline-servers-'));
      ends.defer(() => rm(folder, { recursive: true, force: true }));
    });

    let serial = 0;
    const addServer = async (fields: object = {}): Promise<{ id: number; hostname: string }> =>
      await work.api.post(`/environments/${work.environmentId}/servers`, {
        hostname: `machine-${++serial}`,
        ip_address: '127.0.0.1',
        // Nobody listens there.
        ssh_port: 1,
        ...fields,
      });
    const pipelinesOf = async (serverId: number): Promise<Pipeline[]> => {
      const list = await work.api.get<Pipeline[]>(`/pipelines/server/${serverId}`);
      return await Promise.all(list.map(({ id }) => work.api.get<Pipeline>(`/pipelines/${id}`)));
    };
    const pipelineOf = async (serverId: number, operation: Operation): Promise<Pipeline> =>
      (await pipelinesOf(serverId)).find((one) => one.operation === operation) ??
      assert.fail(`the server has no pipeline for ${operation}`);
    const setCommand = async (serverId: number, operation: Operation, command: string): Promise<void> => {
      const { id, steps } = await pipelineOf(serverId, operation);
      await work.api.put(`/pipelines/${id}/steps/${steps[0]!.id}`, { command });
    };
    /** The id of the action that a call has started. */
    const call = async (serverId: number, operation: Operation): Promise<number> => {
      const answer = await work.api.request('POST', `/servers/${serverId}/${pathOf(operation)}`);
      assert.equal(answer.status, 204, JSON.stringify(answer.body));
      assert.equal(answer.body, undefined);
      const id = answer.headers.get('x-devopness-action-id') ?? '';
      assert.match(id, /^[1-9]\d*$/);
      return Number(id);
    };
    const ran = async (serverId: number, operation: Operation) =>
      await untilAction(work, await call(serverId, operation));
    const statusOf = async (serverId: number): Promise<string> =>
      (await work.api.get<{ status: string }>(`/servers/${serverId}`)).status;
    const outputOf = async (action: { id: number; targets?: unknown }): Promise<string> => {
      const [target] = action.targets as { id: number }[];
      const path = `/actions/${action.id}/targets/${target!.id}/steps/1/logs`;
      return (await work.api.get<{ step: { output: string } }>(path)).step.output;
    };
    const gate = () => {
      const path = join(folder, `gate-${++serial}`);
      return { wait: `until [ -e ${path} ]; do sleep 0.02; done`, open: () => writeFile(path, '') };
    };

    test('a new server can be started, stopped, restarted and looked at, each one at a time, with no set-up', async () => {
      const { id } = await addServer();
      const pipelines = await pipelinesOf(id);
      assert.deepEqual(pipelines.map(({ operation }) => operation).sort(), [...operations].sort());
      for (const pipeline of pipelines) {
        assert.equal(pipeline.is_auto_generated, true);
        assert.equal(pipeline.max_parallel_actions, 1);
        assert.equal(pipeline.steps.length, 1);
      }
      const { id: own } = await work.api.post<Pipeline>(`/pipelines/server/${id}`, {
        name: 'mine',
        operation: 'reload',
      });
      assert.equal((await work.api.get<Pipeline>(`/pipelines/${own}`)).is_auto_generated, false);
    });

    test('a call runs the pipeline of its server on the machine of Hookline, which knows the server that is meant', async () => {
      const { id, hostname } = await addServer({ ip_address: '192.0.2.44', ssh_port: 2244, ssh_user: 'ops' });
      for (const operation of operations) {
        await setCommand(id, operation, 'env | grep ^HOOKLINE_SERVER_ | sort');
        const action = await ran(id, operation);
        assert.equal(action.status, 'completed', action.status_reason_human_readable);
        assert.equal(action['type'], operation);
        assert.deepEqual(
          (action['targets'] as { resource_data: { hostname: string } }[]).map(
            ({ resource_data }) => resource_data.hostname,
          ),
          ['local'],
        );
        assert.deepEqual((await outputOf(action)).trim().split('\n'), [
          'HOOKLINE_SERVER_ADDRESS=192.0.2.44',
          `HOOKLINE_SERVER_HOSTNAME=${hostname}`,
          `HOOKLINE_SERVER_ID=${id}`,
          'HOOKLINE_SERVER_SSH_PORT=2244',
          'HOOKLINE_SERVER_SSH_USER=ops',
        ]);
      }
    });

    test('a server without an address is reached by its name', async () => {
      const { id, hostname } = await addServer({ ip_address: null });
      await setCommand(id, 'stop', 'echo "$HOOKLINE_SERVER_ADDRESS"');
      assert.equal(await outputOf(await ran(id, 'stop')), `${hostname}\n`);
    });

    test('an outgoing hook tells a receiver that the server is now stopped, and the server says so by then', async (t) => {
      const { id, hostname } = await addServer();
      const seen: Promise<string>[] = [];
      const receiver = await startReceiver({
        behave: () => {
          seen.push(statusOf(id));
          return { kind: 'answer', status: 200 };
        },
      });
      t.after(() => receiver.close());
      await setCommand(id, 'stop', 'true');
      const { id: pipelineId } = await pipelineOf(id, 'stop');
      await work.api.post(`/pipelines/${pipelineId}/hooks/outgoing`, {
        name: 'tell the team',
        target_url: `${receiver.url}/{{ server.id }}/{{ event }}`,
        settings: { request_body: { text: 'the server {{ server.hostname }} is now {{ server.status }}' } },
        trigger_when: { events: ['action.completed'] },
      });
      const action = await ran(id, 'stop');
      const [request] = await receiver.waitFor(1);
      assert.equal(request?.path, `/${id}/action.completed`);
      assert.deepEqual(request.json(), { text: `the server ${hostname} is now stopped` });
      assert.deepEqual(await Promise.all(seen), ['stopped']);
      assert.equal(action.status, 'completed');
    });

    test('a hook in the older form hears of every pipeline of a server and operation, and can call for it', async (t) => {
      const receiver = await startReceiver();
      t.after(() => receiver.close());
      const { id } = await addServer();
      await setCommand(id, 'stop', 'true');
      const first = await pipelineOf(id, 'stop');
      const older = { resource_type: 'server', resource_id: id, action_type: 'stop' };
      await work.api.post('/hooks/outgoing', {
        name: 'out',
        ...older,
        target_url: `${receiver.url}/{{ pipeline.id }}/{{ action.status }}`,
        trigger_when: { events: ['action.completed', 'action.failed'] },
      });
      const incoming = await work.api.post<{ url: string }>('/hooks/incoming', { name: 'in', ...older });
      const { action_id } = (await (await fetch(incoming.url, { method: 'POST' })).json()) as {
        action_id: number;
      };
      assert.equal((await untilAction(work, action_id)).status, 'completed');
      assert.equal(await statusOf(id), 'stopped');
      const other = await work.api.post<Pipeline>(`/pipelines/server/${id}`, {
        name: 'another way to stop',
        operation: 'stop',
        steps: [{ command: 'true' }],
      });
      await untilAction(work, (await work.api.post<{ id: number }>(`/pipelines/${other.id}/actions`)).id);
      const requests = await receiver.waitFor(2);
      assert.deepEqual(
        requests.map(({ path }) => path),
        // What somebody writes for a server is for the server itself, which steps do not reach yet.
        [`/${first.id}/completed`, `/${other.id}/failed`],
      );
      const hooks = await work.api.get<unknown[]>(`/servers/${id}/hooks`);
      assert.equal(hooks.length, 2);
    });

    test('the status of a server follows what was done to it, and stays where nothing was', async () => {
      const { id } = await addServer();
      const first = await statusOf(id);
      const expect = async (operation: Operation, command: string, status: string) => {
        await setCommand(id, operation, command);
        await ran(id, operation);
        assert.equal(await statusOf(id), status, `${operation} with ${command}`);
      };
      await expect('start', 'false', first);
      await expect('stop', 'false', first);
      await expect('stop', 'true', 'stopped');
      await expect('start', 'false', 'stopped');
      await expect('start', 'true', 'running');
      await expect('stop', 'false', 'running');
      await expect('get_status', 'false', 'failed');
      await expect('get_status', 'true', 'running');
      const { wait, open } = gate();
      await setCommand(id, 'restart', `${wait}; exit 1`);
      const restarting = await call(id, 'restart');
      await until(async () => (await statusOf(id)) === 'restarting', 'the server to restart');
      await open();
      assert.equal((await untilAction(work, restarting)).status, 'failed');
      assert.equal(await statusOf(id), 'failed');
      await expect('restart', 'true', 'running');
    });

    test('what its own pipelines do otherwise, and what applications do on it, leaves its status alone', async () => {
      const { id } = await addServer();
      const status = await statusOf(id);
      const { id: reload } = await work.api.post<Pipeline>(`/pipelines/server/${id}`, {
        name: 'reload',
        operation: 'reload',
        steps: [{ command: 'true' }],
      });
      await untilAction(work, (await work.api.post<{ id: number }>(`/pipelines/${reload}/actions`)).id);
      assert.equal(await statusOf(id), status);
    });

    test('get-status as it comes finds a port that is open, and one that is closed', async (t) => {
      const listening = await startReceiver();
      t.after(() => listening.close());
      const up = await addServer({ ssh_port: listening.port });
      const found = await ran(up.id, 'get_status');
      assert.equal(found.status, 'completed', found.status_reason_human_readable);
      assert.match(await outputOf(found), new RegExp(`${up.hostname} answers at 127.0.0.1`));
      assert.equal(await statusOf(up.id), 'running');
      await listening.close();
      const missed = await ran(up.id, 'get_status');
      assert.equal(missed.status, 'failed');
      assert.match(await outputOf(missed), /does not answer/);
      assert.equal(await statusOf(up.id), 'failed');
    });

    test('default pipelines that were deleted are made again when they are called for, once', async () => {
      const { id } = await addServer();
      for (const pipeline of await pipelinesOf(id)) await work.api.delete(`/pipelines/${pipeline.id}`);
      const actions = await Promise.all([call(id, 'stop'), call(id, 'stop'), call(id, 'stop')]);
      const pipelines = await pipelinesOf(id);
      assert.deepEqual(
        pipelines.map(({ operation, is_auto_generated }) => [operation, is_auto_generated]),
        [['stop', true]],
      );
      for (const actionId of actions) {
        const action = await untilAction(work, actionId);
        assert.equal(action['pipeline_id'], pipelines[0]!.id);
        // It ran: there is no machine to be switched off.
        assert.match(action.status_reason_human_readable, /Step 1 "Shut the server down" on local exited/);
      }
    });

    test('of several pipelines for one operation a call runs the oldest', async () => {
      const { id } = await addServer();
      const first = await pipelineOf(id, 'stop');
      await work.api.post(`/pipelines/server/${id}`, { name: 'younger', operation: 'stop' });
      assert.equal((await ran(id, 'stop'))['pipeline_id'], first.id);
    });

    test('a server is stopped by one action at a time; the next waits', async () => {
      const { id } = await addServer();
      const { wait, open } = gate();
      await setCommand(id, 'stop', wait);
      const [first, second] = [await call(id, 'stop'), await call(id, 'stop')];
      await untilAction(work, first, ['in-progress']);
      await untilAction(work, second, ['waiting']);
      await open();
      assert.equal((await untilAction(work, first)).status, 'completed');
      assert.equal((await untilAction(work, second)).status, 'completed');
    });

    test('what a server that is gone, or that never was, is told to do is not found', async () => {
      const { id } = await addServer();
      await work.api.delete(`/servers/${id}`);
      for (const server of [id, 999_999, 'x']) {
        for (const operation of operations) {
          const { status } = await work.api.request('POST', `/servers/${server}/${pathOf(operation)}`);
          assert.equal(status, 404, `${operation} of ${server}`);
        }
      }
    });
  });
}

describe('the steps that a server begins with', { timeout: 600_000 }, () => {
  const ends = new AsyncDisposableStack();
  after(() => ends.disposeAsync());
  let commands: Record<Operation, string>;

  before(async () => {
    const server = ends.adopt(await startServer(), (started) => started.stop());
    const { api, environmentId } = await openWorkplace(server);
    const { id } = await api.post<{ id: number }>(`/environments/${environmentId}/servers`, {
      hostname: 'm',
    });
    const list = await api.get<Pipeline[]>(`/pipelines/server/${id}`);
    const read = await Promise.all(list.map((one) => api.get<Pipeline>(`/pipelines/${one.id}`)));
    // Safe: the first test above proves that there is one for each.
    commands = Object.fromEntries(
      read.map(({ operation, steps }) => [operation, steps[0]!.command]),
    ) as Record<Operation, string>;
  });

  /**
   * Runs a step as an executor does, on a machine where only these programs are: `ssh` as given (none when null), and
   * a look at the port that finds the server while the file `up` is there. Each second of waiting is over at once.
   */
  async function run(
    operation: Operation,
    { ssh, isUp = true }: { ssh: string | null; isUp?: boolean },
  ): Promise<{ code: number; output: string; calls: string[] }> {
    const folder = await mkdtemp(join(tmpdir(), 'hookline-steps-'));
    try {
      const bin = join(folder, 'bin');
      await mkdir(bin);
      const program = async (name: string, script: string) => {
        await writeFile(join(bin, name), `#!/bin/bash\n${script}\n`);
        await chmod(join(bin, name), 0o755);
      };
      await program('timeout', '[ -e "$STATE/up" ]');
      const count = 'n=$(($(< "$STATE/calls" wc -l)))';
      if (ssh !== null) {
        await program('ssh', `command="\${@: -1}"; echo "$command" >> "$STATE/calls"; ${count}\n${ssh}`);
      }
      for (const name of ['rm', 'wc', 'seq', 'bash']) await symlink(`/usr/bin/${name}`, join(bin, name));
      await writeFile(join(folder, 'calls'), '');
      if (isUp) await writeFile(join(folder, 'up'), '');
      const noWaiting = 'sleep() { SECONDS=$((SECONDS + $1)); }';
      const script = join(folder, 'step.sh');
      await writeFile(script, `${noWaiting}\n${commands[operation]}`);
      const env = {
        PATH: bin,
        STATE: folder,
        HOOKLINE_SERVER_HOSTNAME: 'web-1',
        HOOKLINE_SERVER_ADDRESS: '192.0.2.1',
        HOOKLINE_SERVER_SSH_PORT: '22',
        HOOKLINE_SERVER_SSH_USER: 'root',
      };
      const { code, output } = await new Promise<{ code: number; output: string }>((resolve) => {
        const args = ['--noprofile', '--norc', '-eo', 'pipefail', script];
        execFile('/bin/bash', args, { env }, (error, stdout, stderr) => {
          resolve({ code: error ? Number(error.code ?? -1) : 0, output: stdout + stderr });
        });
      });
      const calls = (await readFile(join(folder, 'calls'), 'utf8')).split('\n').filter(Boolean);
      return { code, output, calls };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  const denied = 'echo "root@192.0.2.1: Permission denied (publickey)." >&2; exit 255';
  const down = 'echo "ssh: connect to host 192.0.2.1 port 22: Connection refused" >&2; exit 255';
  const goesDown = 'rm -f "$STATE/up"; echo "Connection to 192.0.2.1 closed by remote host." >&2; exit 255';
  /** What ssh does by the command that it is given: to look, or to act. */
  const on = (act: string, other = 'exit 0') => `case "$command" in *sudo*) ${act};; *) ${other};; esac`;

  test('stop: a machine that goes down is stopped, though it ends the connection', async () => {
    const { code, output, calls } = await run('stop', { ssh: on(goesDown) });
    assert.equal(code, 0, output);
    assert.match(output, /web-1 is stopped\.$/m);
    assert.equal(calls.length, 2);
  });

  test('stop: a machine that does not answer is not said to be stopped: it may only be out of reach', async () => {
    const { code, output, calls } = await run('stop', { ssh: 'exit 0', isUp: false });
    assert.equal(code, 1, output);
    assert.match(output, /is off or cannot be reached is not known/);
    assert.deepEqual(calls, []);
  });

  for (const operation of ['stop', 'restart'] as const) {
    const done = /is stopped|is back/;

    test(`${operation}: without ssh nothing is said to be done`, async () => {
      const { code, output } = await run(operation, { ssh: null });
      assert.notEqual(code, 0);
      assert.match(output, /ssh: command not found/);
      assert.doesNotMatch(output, done);
    });

    test(`${operation}: a machine that lets nobody in is not said to be done`, async () => {
      const { code, output, calls } = await run(operation, { ssh: denied });
      assert.notEqual(code, 0);
      assert.match(output, /Permission denied/);
      assert.doesNotMatch(output, done);
      assert.equal(calls.length, 1, 'it was not tried in another way');
    });

    test(`${operation}: a user who may not is not said to have done it`, async () => {
      const ssh = on('echo "sudo: a password is required" >&2; exit 1', 'echo one');
      const { code, output } = await run(operation, { ssh });
      assert.notEqual(code, 0);
      assert.match(output, /a password is required/);
      assert.doesNotMatch(output, done);
    });

    test(`${operation}: a machine that ends the connection and goes on as it was is not said to be done`, async () => {
      const { code, output } = await run(operation, { ssh: on('exit 255', 'echo the-same-boot') });
      assert.notEqual(code, 0);
      assert.match(output, /still answers after two minutes|did not come back within five minutes/);
      assert.doesNotMatch(output, done);
    });
  }

  test('restart: a machine that is away for a while and comes back anew is restarted', async () => {
    const other = `if [ $n -eq 1 ]; then echo first; elif [ $n -lt 6 ]; then ${down}; else echo second; fi`;
    const { code, output, calls } = await run('restart', { ssh: on('exit 255', other) });
    assert.equal(code, 0, output);
    assert.match(output, /web-1 is back\.$/m);
    assert.equal(calls.length, 6);
  });

  test('restart: a machine that stays away is not said to be back', async () => {
    const other = `if [ $n -eq 1 ]; then echo first; else ${down}; fi`;
    const { code, output } = await run('restart', { ssh: on('exit 0', other) });
    assert.notEqual(code, 0);
    assert.match(output, /did not come back within five minutes/);
  });

  test('restart: a machine that is off is not said to be back', async () => {
    const { code, output } = await run('restart', { ssh: down, isUp: false });
    assert.notEqual(code, 0);
    assert.doesNotMatch(output, /is back/);
  });

  test('start: a machine that runs is left alone, and one that is off asks for the command of whoever switches it', async () => {
    const running = await run('start', { ssh: null });
    assert.equal(running.code, 0);
    assert.match(running.output, /is running already/);
    const off = await run('start', { ssh: null, isUp: false });
    assert.notEqual(off.code, 0);
    assert.match(off.output, /Put the command of its provider/);
  });
});
