import { setTimeout as delay } from 'node:timers/promises';
import pino from 'pino';
import { startApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { createApiClient, login } from './api-client.ts';
import type { TestDatabase } from './database.ts';
import { createFakeClock } from './fake-clock.ts';
import type { FakeClock } from './fake-clock.ts';
import type { Workplace } from './fixtures.ts';

export type InProcessApp = Workplace & {
  clock: FakeClock;
  /** What it has logged from `warn` on, one JSON object per line. */
  log(): string;
  stop(): Promise<void>;
};

const ADMIN = { email: 'admin@example.com', password: 'correct-horse-battery' };

/**
 * Starts the app in this process on a given database, which stays the caller's to drop, with a clock that stands
 * still, or with the clock of another node on the same database. `random` (0.5 unless given) decides the spread of retries: 0 is 20 % less, 1 is 20 % more. Signed in as
 * the administrator with a token that lasts for years, since the clock may move by days.
 */
export async function startInProcessApp(options: {
  database: TestDatabase;
  env?: Record<string, string>;
  random?: () => number;
  clock?: FakeClock;
  /** A dashboard other than the built one. */
  webFolder?: string;
}): Promise<InProcessApp> {
  const clock = options.clock ?? createFakeClock();
  let log = '';
  const { config } = readConfig({
    PORT: '0',
    HOOKLINE_ADMIN_EMAIL: ADMIN.email,
    HOOKLINE_ADMIN_PASSWORD: ADMIN.password,
    HOOKLINE_EGRESS_ALLOW: '127.0.0.0/8,::1/128',
    ...options.database.env,
    ...options.env,
  });
  const logger = pino({ level: 'warn' }, { write: (line: string) => void (log += line) });
  const app = await startApp(config, logger, {
    clock,
    random: options.random ?? (() => 0.5),
    webFolder: options.webFolder,
  });
  try {
    const url = app.address ?? '';
    const session = createApiClient(url, (await login(url, ADMIN.email, ADMIN.password)).access_token);
    const expires_at = new Date(clock.now() + 10 * 365 * 24 * 3_600_000).toISOString();
    const body = { name: 'for hours to pass', expires_at };
    const { token } = await session.post<{ token: string }>('/users/personal-access-tokens', body);
    const api = createApiClient(url, token);
    const onlyId = async (path: string): Promise<number> => {
      const [first] = await api.get<{ id: number }[]>(path);
      if (!first) throw new Error(`GET /api${path} lists nothing`);
      return first.id;
    };
    const organizationId = await onlyId('/organizations');
    const projectId = await onlyId('/projects');
    const environmentId = await onlyId(`/projects/${projectId}/environments`);
    return {
      url,
      api,
      organizationId,
      projectId,
      environmentId,
      clock,
      log: () => log,
      stop: () => stop(app, clock),
    };
  } catch (error) {
    await stop(app, clock);
    throw error;
  }
}

/** What stops may still wait for time to pass, and nobody else moves the clock. */
async function stop(app: { stop(): Promise<void> }, clock: FakeClock): Promise<void> {
  let stopped = false;
  const stopping = app.stop().finally(() => (stopped = true));
  while (!stopped) {
    await clock.advance(100);
    await Promise.race([stopping, delay(5)]);
  }
  await stopping;
}
