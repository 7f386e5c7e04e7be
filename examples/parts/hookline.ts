import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createApiClient, login, type ApiClient } from '../../test/support/api-client.ts';
import { killWithUs } from '../../test/support/watchdog.ts';

/** A Hookline that serves, and a client of its API that is signed in. */
export type Hookline = { url: string; api: ApiClient; stop(): Promise<void> };

const password = 'example-password';

/** Starts one on a free port and a data folder of its own; it dies with this process. */
export async function startHookline(dataDirectory: string): Promise<Hookline> {
  const repository = join(import.meta.dirname, '..', '..');
  const child = spawn(process.execPath, ['src/main.mjs', 'serve'], {
    cwd: repository,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      PORT: '0',
      HOOKLINE_DATA: dataDirectory,
      HOOKLINE_ADMIN_PASSWORD: password,
      HOOKLINE_LOG_LEVEL: 'warn',
      // The git host of the example is on this machine, which Hookline does not reach unless it may.
      HOOKLINE_EGRESS_ALLOW: '127.0.0.0/8',
      // Whoever interrupts the example does not want to wait for a deployment.
      HOOKLINE_DRAIN_SECONDS: '0',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
    // Ctrl-C is for the example, which then stops Hookline: a second signal would have it end without ending its steps.
    detached: true,
  });
  const letLive = child.pid === undefined ? () => undefined : killWithUs(child.pid);
  const exited = once(child, 'exit').finally(letLive);
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await exited;
  };
  try {
    const listening = Promise.withResolvers<string>();
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      const found = /listening on (http:\/\/\S+)\s/.exec(output)?.[1];
      if (found) listening.resolve(found);
    });
    const ended = exited.then(() => {
      throw new Error(`Hookline did not start: ${output}`);
    });
    const url = await Promise.race([listening.promise, ended]);
    ended.catch(() => undefined);
    const { access_token } = await login(url, 'admin@localhost', password);
    return { url, api: createApiClient(url, access_token), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** One that runs already. It is left as it was found: what the example makes there is removed by the example. */
export async function useHookline(url: string, token: string): Promise<Hookline> {
  const api = createApiClient(url.replace(/\/$/, ''), token);
  await api.get('/users/me');
  return { url, api, stop: async () => undefined };
}
