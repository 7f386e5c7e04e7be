import pino from 'pino';
import { startApp, type RunningApp } from '../app.ts';
import type { Config } from '../config.ts';
import { ConfigFault } from '../platform/config-fault.ts';

/** Starts the server, says how to reach it, and stops it in good order on SIGTERM and SIGINT. */
export async function serve(config: Config): Promise<void> {
  const log = pino({ level: config.logLevel }, pino.destination({ dest: 2, sync: false }));
  // Whoever read our output may have left (`npm start | head`); that is no reason to stop serving.
  process.stdout.on('error', () => undefined);
  process.stderr.on('error', () => undefined);
  const app = await start(config, log);
  greet(app, config);

  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(1);
    stopping = true;
    log.info({ signal }, 'stopping; a second signal ends at once');
    void app.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'could not stop in good order');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

async function start(config: Config, log: pino.Logger): Promise<RunningApp> {
  try {
    return await startApp(config, log);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'EADDRINUSE') {
      throw new ConfigFault(
        `Port ${config.port} is in use. Stop what uses it, or choose another with PORT=8081.`,
      );
    }
    if (code === 'ENOTFOUND' || code === 'EADDRNOTAVAIL') {
      throw new ConfigFault(`HOOKLINE_HOST=${config.host} is no address of this machine.`);
    }
    if (code === 'EACCES') throw new ConfigFault(`Not allowed: ${(error as Error).message}`);
    throw error;
  }
}

function greet({ address, publicUrl, firstStart }: RunningApp, config: Config): void {
  const line = (text = '') => process.stdout.write(`${text}\n`);
  line();
  line(address ? `  Hookline is listening on ${address}` : '  Hookline runs as a worker and serves no HTTP');
  if (address) line(`  The dashboard is at ${publicUrl}`);
  line();
  if (firstStart) {
    line('  The first administrator was created. Sign in with:');
    line(`    e-mail    ${firstStart.email}`);
    line(`    password  ${firstStart.generatedPassword ?? 'the one in HOOKLINE_ADMIN_PASSWORD'}`);
    if (firstStart.generatedPassword) line('  This password is shown only now; keep it.');
  } else if (address) {
    line(`  Sign in with your account, e.g. ${config.adminEmail}.`);
  }
  if (address) {
    line();
    line('  For programs, get a token:');
    line(`    curl ${publicUrl}/api/users/login -H 'Content-Type: application/json' \\`);
    line(`      -d '{"email": "${firstStart?.email ?? config.adminEmail}", "password": "<password>"}'`);
    line();
    line(`  Every call is described at ${publicUrl}/docs`);
    line();
  }
}
