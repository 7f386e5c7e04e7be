import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { freePort } from './free-port.ts';
import type { StartInnerSshServer } from './inner-ssh-server.ts';
import { killWithUs } from './watchdog.ts';

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 5000;
const PORT_TRIES = 5;

/** Where this machine's sshd is; it insists on being started by its absolute path. */
export const sshdPath: string | undefined = ['/usr/sbin', ...(process.env.PATH ?? '').split(':')]
  .filter((folder) => folder.startsWith('/'))
  .map((folder) => join(folder, 'sshd'))
  .find((path) => existsSync(path));

/** OpenSSH's server in the foreground, for the one user who runs the tests, root or not. */
export const startOpenSshServer: StartInnerSshServer = async (setup) => {
  const folder = await mkdtemp(join(setup.folder, 'sshd-'));
  const keysFile = join(folder, 'authorized_keys');
  // sshd reads it anew at each sign-in.
  const authorize = (lines: readonly string[]) =>
    writeFile(keysFile, lines.map((line) => `${line}\n`).join(''));
  await authorize(setup.authorizedKeys);
  const hostKeyFile = join(folder, 'host_key');
  await writeFile(hostKeyFile, setup.hostKey.privateKey, { mode: 0o600 });
  const variables = Object.entries({ ...setup.processes.env, HOME: setup.home });
  const options = {
    ...OPTIONS,
    HostKey: hostKeyFile,
    AuthorizedKeysFile: keysFile,
    AllowUsers: setup.user,
    SetEnv: variables.map(([name, value]) => `${name}=${value}`).join(' '),
  };
  const config = join(folder, 'sshd_config');
  await writeFile(
    config,
    Object.entries(options)
      .map(([name, value]) => `${name} ${value}\n`)
      .join(''),
  );
  // What sshd needs as root to lock its unprivileged half into; Debian makes it when the service starts.
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  const { port, stop } = await listen(config);
  return { port, authorize, stop };
};

const OPTIONS = {
  PermitRootLogin: 'prohibit-password',
  AuthenticationMethods: 'publickey',
  PasswordAuthentication: 'no',
  KbdInteractiveAuthentication: 'no',
  StrictModes: 'no',
  UsePAM: 'no',
  UseDNS: 'no',
  PermitUserRC: 'no',
  PidFile: 'none',
  MaxStartups: '100',
  MaxSessions: '100',
  LogLevel: 'INFO', // tells when it listens
};

type Sshd = ChildProcessByStdio<null, null, Readable>;

async function listen(config: string): Promise<{ port: number; stop(): Promise<void> }> {
  for (let tries = 1; ; tries++) {
    const port = await freePort();
    const address = ['-o', `ListenAddress=127.0.0.1:${port}`];
    const sshd = spawn(sshdPath ?? 'sshd', ['-D', '-e', '-f', config, ...address, ...noPenalties(config)], {
      env: {},
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const letLive = sshd.pid ? killWithUs(sshd.pid) : () => {};
    sshd.once('exit', letLive);
    const refusal = await untilListening(sshd);
    if (refusal === undefined) return { port, stop: () => stop(sshd) };
    // Somebody else may have taken the port in the meantime.
    if (tries === PORT_TRIES) throw new Error(`sshd did not start:\n${refusal}`);
  }
}

/** From 9.8 on an address that failed to sign in is kept away for a while; here all clients have the same one. */
function noPenalties(config: string): string[] {
  const option = ['-o', 'PerSourcePenalties=no'];
  const { status } = spawnSync(sshdPath ?? 'sshd', ['-t', '-f', config, ...option], { stdio: 'ignore' });
  return status === 0 ? option : [];
}

/** Its log and not a connection tells: one without a sign-in counts against our address. Returns why not. */
async function untilListening(sshd: Sshd): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  let log = '';
  // It has to be read to the end: all of its processes write to it.
  sshd.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (log.length < 10_000) log += text;
    if (log.includes('Server listening on')) resolve(undefined);
  });
  sshd.once('error', (error) => resolve(String(error)));
  sshd.once('close', () => resolve(log));
  const timer = setTimeout(() => sshd.kill('SIGKILL'), START_TIMEOUT_MS);
  const refusal = await promise;
  clearTimeout(timer);
  return refusal;
}

/** Each connection has processes of its own, which hold the log open: its end says that the last has gone. */
async function stop(sshd: Sshd): Promise<void> {
  if (sshd.stderr.closed) return;
  const closed = once(sshd, 'close');
  const timer = setTimeout(() => sshd.stderr.destroy(), STOP_TIMEOUT_MS);
  sshd.kill('SIGKILL');
  await closed;
  clearTimeout(timer);
}
