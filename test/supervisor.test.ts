import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  stepMessage,
  supervisorCode,
  supervisorCommand,
  supervisorTimes,
} from '../src/actions/executors/supervisor.ts';
import { isAlive } from './support/alive.ts';
import { until } from './support/api-client.ts';

test('a supervisor that nobody listens to any more ends what left the session of its step, too', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'hookline-supervisor-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const step = {
    runId: randomUUID(),
    script: 'setsid sleep 300 & echo "$!"; sleep 300',
    environment: {},
    paths: {},
    workingDirectory: join(folder, 'work'),
  };
  const code = supervisorCode(supervisorTimes);
  const supervisor = spawn('/bin/bash', ['-c', supervisorCommand('', code)], { stdio: 'pipe' });
  const ended = once(supervisor, 'exit');
  let output = '';
  supervisor.stdout.on('data', (piece: Buffer) => (output += piece.toString()));
  supervisor.stdin.write(code + stepMessage(step, { mark: randomUUID(), prelude: '' }));
  const pid = await until(async () => Number(/^(\d+)$/m.exec(output)?.[1] ?? 0) || undefined, 'its id');
  t.after(() => isAlive(pid) && process.kill(pid, 'SIGKILL'));
  // As sshd does when the connection is lost.
  for (const pipe of [supervisor.stdin, supervisor.stdout, supervisor.stderr]) pipe.destroy();
  assert.deepEqual(await ended, [143, null]);
  assert.equal(isAlive(pid), false);
});
