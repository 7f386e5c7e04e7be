import { setTimeout as delay } from 'node:timers/promises';
import pino from 'pino';
import { startApp } from '../../src/app.ts';
import { createPersonalAccessToken } from '../../src/accounts/personal-access-tokens.ts';
import { hashPassword } from '../../src/accounts/passwords.ts';
import type { Clock } from '../../src/platform/clock.ts';
import { connectBeside } from '../../src/platform/database/connect.ts';
import { readConfig } from '../../src/config.ts';
import type { Config } from '../../src/config.ts';
import { createApiClient } from './api-client.ts';
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
    hashPassword: hashOnce,
  });
  try {
    const url = app.address ?? '';
    const api = createApiClient(url, await lastingToken(config, clock));
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

/** Without signing in: to look at a password takes longer than all else that a start does. */
async function lastingToken(config: Config, clock: Clock): Promise<string> {
  const { db, close } = await connectBeside(config);
  try {
    const { id } = await db
      .selectFrom('users')
      .select('id')
      .where('email', '=', config.adminEmail)
      .executeTakeFirstOrThrow();
    const expiresAt = new Date(clock.now() + 10 * 365 * 24 * 3_600_000).toISOString();
    const input = { userId: id, name: 'for hours to pass', expiresAt };
    return (await createPersonalAccessToken({ db, clock }, input)).token;
  } finally {
    await close();
  }
}

const hashes = new Map<string, Promise<string>>();

/** The hash of a password is as good a second time, and takes a tenth of a second to make. */
function hashOnce(password: string): Promise<string> {
  let hash = hashes.get(password);
  if (!hash) hashes.set(password, (hash = hashPassword(password)));
  return hash;
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
