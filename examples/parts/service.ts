import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { killWithUs } from '../../test/support/watchdog.ts';

/** The web server that `bin/restart.sh` leaves running. */
export type Service = {
  /** What answers, or null when nothing does. */
  ask(path: string): Promise<Record<string, string> | null>;
  /** Has what runs now end with this process, however that ends. */
  hold(): Promise<void>;
  /** Ends it and waits for that. Safe to repeat, and before the first start. */
  stop(): Promise<void>;
};

const run = promisify(execFile);

export function serviceIn(deployDirectory: string, port: number): Service {
  const program = join(deployDirectory, 'current', 'server.js');
  // By its command and not by the pid file: an interrupted restart may not have written that.
  const find = async (): Promise<number[]> => {
    const { stdout } = await run('ps', ['-eo', 'pid=,args='], { maxBuffer: 64 * 1024 * 1024 });
    const lines = stdout.split('\n').filter((line) => line.endsWith(` ${program}`));
    return lines.map((line) => Number.parseInt(line, 10));
  };
  let letGo: (() => void)[] = [];
  const forget = () => {
    for (const done of letGo) done();
    letGo = [];
  };
  return {
    async ask(path) {
      const response = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => null);
      // Safe: both pages of hello-web are objects of texts.
      return response && ((await response.json()) as Record<string, string>);
    },
    async hold() {
      forget();
      letGo = (await find()).map(killWithUs);
    },
    async stop() {
      for (let round = 0; ; round++) {
        const pids = await find();
        if (pids.length === 0) break;
        for (const pid of pids) end(pid, round < 50 ? 'SIGTERM' : 'SIGKILL');
        await delay(50);
      }
      forget();
    },
  };
}

function end(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}
