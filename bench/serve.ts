import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createApiClient, login } from '../test/support/api-client.ts';

/* A server process of its own to measure, and a hook on it. */

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
