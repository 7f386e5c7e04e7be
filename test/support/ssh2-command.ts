import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import type { ServerChannel } from 'ssh2';

/** Those that SSH has a name for (RFC 4254, 6.10). */
const NAMED_SIGNALS = /^SIG(ABRT|ALRM|FPE|HUP|ILL|INT|KILL|PIPE|QUIT|SEGV|TERM|USR1|USR2)$/;

/**
 * Runs a command over a channel as sshd does: the exit status goes out as soon as the process has ended, the
 * channel closes once nobody holds its output open any more. Nothing kills the process: `closePipes`, for when
 * the client is gone, takes away its input and its output.
 */
export function runRemoteCommand(
  command: string,
  channel: ServerChannel,
  env: Record<string, string>,
): { child: ChildProcess; closePipes(): void } {
  const child = spawn('/bin/bash', ['-c', command], { detached: true, cwd: env.HOME, env });
  const { stdin, stdout, stderr } = child;
  channel.on('error', () => {});

  channel.pipe(stdin);
  // What comes for a command that has closed its input fills the window and then holds up the client, as with sshd.
  stdin.on('error', () => {});

  const ended = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => resolve(reportExit(channel, code, signal)));
    child.once('error', () => resolve(reportExit(channel, 255, null))); // there is no bash
  });
  const send = inTurns(channel);
  Promise.all([ended, send(stdout, channel), send(stderr, channel.stderr)]).then(
    () => channel.end(),
    () => {}, // the pipes were closed: there is no channel any more
  );
  const closePipes = () => {
    for (const pipe of [stdin, stdout, stderr]) pipe.destroy();
  };
  return { child, closePipes };
}

function reportExit(channel: ServerChannel, code: number | null, signal: NodeJS.Signals | null): void {
  if (signal === null) channel.exit(code ?? 255);
  else if (NAMED_SIGNALS.test(signal)) channel.exit(signal);
  else channel.exit(128 + constants.signals[signal]);
}

/**
 * ssh2 keeps the chunk that last waited for the client's window after it was sent, and would send it again in
 * place of one of the other stream that waits later: so one chunk at a time, and the old one forgotten.
 */
function inTurns(channel: ServerChannel): (from: Readable, to: Writable) => Promise<void> {
  let turn = Promise.resolve();
  return async (from, to) => {
    for await (const chunk of from) {
      turn = turn.then(() => {
        Object.assign(channel, { _chunk: undefined, _chunkcb: undefined });
        Object.assign(channel, { _chunkErr: undefined, _chunkcbErr: undefined });
        const { promise, resolve } = Promise.withResolvers<void>();
        to.write(chunk, () => resolve());
        return promise;
      });
      await turn;
    }
  };
}
