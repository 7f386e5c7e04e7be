import { spawn } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { createApiClient, login } from '../test/support/api-client.ts';
import type { LoadPlan } from './load.ts';

/* A server process of its own to measure, a hook on it, and what is sent to it. */

export type Program = { url: string; pid: number; stop(): Promise<void> };

/** Runs a program with the Node of this process until it says where it listens. */
export async function startProgram(args: string[], env: Record<string, string> = {}): Promise<Program> {
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = await new Promise<string>((resolve, reject) => {
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const found = /listening on (http:\/\/\S+)\s/.exec(output);
      if (found) resolve(found[1]!);
    });
    child.once('exit', () => reject(new Error(`ended at its start: ${output}`)));
  });
  return {
    url,
    pid: child.pid!,
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** `nodeOptions` such as `--cpu-prof` come before the program. */
export function startHookline(directory: string, nodeOptions: string[] = []): Promise<Program> {
  return startProgram([...nodeOptions, 'src/main.mjs', 'serve'], {
    PORT: '0',
    HOOKLINE_DATA: directory,
    HOOKLINE_ROLE: process.argv.includes('--all') ? 'all' : 'api',
    HOOKLINE_LOG_LEVEL: 'error',
    HOOKLINE_ADMIN_PASSWORD: 'bench-password',
  });
}

/** What a hook takes out of a push. */
export const variables = [
  { name: 'source_type', type: 'string', default_value: 'branch' },
  { name: 'source_ref', path: 'repository.default_branch', type: 'string', default_value: 'main' },
  { name: 'commit_hash', path: 'after', type: 'string' },
];

export async function createHook(url: string, secret: string): Promise<{ id: string }> {
  const { access_token } = await login(url, 'admin@localhost', 'bench-password');
  const api = createApiClient(url, access_token);
  const name = `bench-${randomBytes(4).toString('hex')}`;
  const application = await api.post<{ id: number }>('/environments/1/applications', {
    name,
    repository: 'o/r',
  });
  const pipeline = await api.post<{ id: number }>(`/pipelines/application/${application.id}`, {
    name: 'deploy',
    operation: 'deploy',
    default_steps: false,
    max_parallel_actions: 1,
    steps: [{ command: 'true' }],
  });
  return await api.post<{ id: string }>(`/pipelines/${pipeline.id}/hooks/incoming`, {
    name: 'push',
    requires_secret: true,
    secret,
    settings: { variables },
  });
}

/** Pushes as GitHub signs them, each under an id of its own. */
export function signedLoad(
  url: string,
  secret: string,
  body: Buffer,
  how: Pick<LoadPlan, 'connections' | 'warmupMs' | 'durationMs'>,
): LoadPlan {
  const { hostname, port, pathname } = new URL(url);
  return {
    host: hostname,
    port: Number(port),
    path: pathname,
    headers: {
      'Content-Type': 'application/json',
      'User-Agent': 'GitHub-Hookshot/044aadd',
      'X-GitHub-Event': 'push',
      'X-Hub-Signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
    },
    body: body.toString('base64'),
    idHeader: 'X-GitHub-Delivery',
    ...how,
  };
}

/** Runs a generator with its plan in a process of its own; what it prints is its result. */
export async function runGenerator<Result>(program: string, plan: object): Promise<Result> {
  const child = spawn(process.execPath, [program, JSON.stringify(plan)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const output = await text(child.stdout);
  if (output === '') throw new Error(`${program} ended without a result`);
  // Safe: each generator prints one line of its own type.
  return JSON.parse(output) as Result;
}
