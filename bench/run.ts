import { createHmac, randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApiClient, login } from '../test/support/api-client.ts';
import { pushPayload } from '../test/support/github.ts';

/*
 * The time from the 2xx of a request to the first line of the first step, on an idle server (SQLite, fsync on every
 * commit), beside a bare `spawn` of the same shell with the same script. The step's first command writes to a socket
 * of this process, so the time is taken here, on one clock.
 *
 *   node bench/run.ts [--runs 200]
 */

const flag = process.argv.indexOf('--runs');
const runs = flag < 0 ? 200 : Number(process.argv[flag + 1]);
const secret = randomBytes(32).toString('hex');
const data = await mkdtemp(join(tmpdir(), 'hookline-bench-'));
let beganAt = () => undefined as void;
const bell = createServer((socket) => {
  beganAt();
  socket.end();
});
await new Promise<void>((resolve) => bell.listen(0, '127.0.0.1', resolve));
const address = bell.address();
const command = `exec 3<>/dev/tcp/127.0.0.1/${typeof address === 'object' ? address?.port : ''}`;

const server = spawn(process.execPath, ['src/main.mjs', 'serve'], {
  env: {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '',
    PORT: '0',
    HOOKLINE_DATA: data,
    HOOKLINE_LOG_LEVEL: 'error',
    HOOKLINE_ADMIN_PASSWORD: 'bench-password',
  },
  stdio: ['ignore', 'pipe', 'inherit'],
});
try {
  const url = await new Promise<string>((resolve) => {
    let output = '';
    server.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const found = /listening on (http:\/\/\S+)\s/.exec(output);
      if (found) resolve(found[1]!);
    });
  });
  const hook = await createHook(url);
  const body = pushPayload();
  const headers = {
    'content-type': 'application/json',
    'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
  };
  const trigger = new URL(new URL(hook.url).pathname, url).href;

  const bare: number[] = [];
  const fromAnswer: number[] = [];
  const fromSending: number[] = [];
  const { access_token } = await login(url, 'admin@localhost', 'bench-password');
  const api = createApiClient(url, access_token);
  for (let run = 0; run < runs; run++) {
    bare.push(await timeSpawn());
    const began = rings();
    const sentAt = performance.now();
    const response = await fetch(trigger, { method: 'POST', headers, body });
    const answeredAt = performance.now();
    if (response.status !== 202) throw new Error(`answered ${response.status}: ${await response.text()}`);
    const { action_id } = (await response.json()) as { action_id: number };
    const at = await began;
    fromAnswer.push(at - answeredAt);
    fromSending.push(at - sentAt);
    // Idle again before the next one.
    while ((await api.get<{ status: string }>(`/actions/${action_id}`)).status !== 'completed')
      await pause(5);
  }
  console.log(`${runs} runs, one at a time, Node ${process.version}`);
  console.log(`bare spawn to first line:      ${summary(bare)}`);
  console.log(`2xx to first line:             ${summary(fromAnswer)}`);
  console.log(`request sent to first line:    ${summary(fromSending)}`);
} finally {
  bell.close();
  server.kill('SIGTERM');
  await new Promise((resolve) => server.once('exit', resolve));
  await rm(data, { recursive: true, force: true });
}

async function createHook(url: string): Promise<{ url: string }> {
  const { access_token } = await login(url, 'admin@localhost', 'bench-password');
  const api = createApiClient(url, access_token);
  const application = await api.post<{ id: number }>('/environments/1/applications', {
    name: 'b',
    repository: 'o/r',
  });
  const pipeline = await api.post<{ id: number }>(`/pipelines/application/${application.id}`, {
    name: 'deploy',
    operation: 'deploy',
    default_steps: false,
    steps: [{ command }],
  });
  return await api.post<{ url: string }>(`/pipelines/${pipeline.id}/hooks/incoming`, {
    name: 'push',
    requires_secret: true,
    secret,
    settings: { variables: [{ name: 'commit_hash', path: 'after' }] },
  });
}

function rings(): Promise<number> {
  return new Promise((resolve) => (beganAt = () => resolve(performance.now())));
}

async function timeSpawn(): Promise<number> {
  const began = rings();
  const at = performance.now();
  const child = spawn('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', command], {
    stdio: 'ignore',
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const took = (await began) - at;
  await exited;
  return took;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function summary(times: number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part: number) => (sorted[Math.floor(sorted.length * part)] ?? 0).toFixed(1).padStart(5);
  return `p50 ${at(0.5)} ms   p90 ${at(0.9)} ms   p99 ${at(0.99)} ms`;
}
