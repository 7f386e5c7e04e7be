import { constants } from 'node:os';
import type { Client, ClientChannel } from 'ssh2';
import type { Clock } from '../../platform/clock.ts';
import type { Channel } from './supervised.ts';

/** How long the server may take to answer when a command is given up. */
const closeMs = 5000;
/** A server may send 2 MB that are not asked for; that is what the library allows it. */
const mostUnreadBytes = 8 * 1024 * 1024;

type ChannelContext = {
  clock: Clock;
  /** How long the server may take to start the command. */
  timeoutMs: number;
  onClose: () => void;
  /** It does not do what it is asked for. */
  onSilent: () => void;
};

/** Starts a command over a connection that stands. Rejects when the server does not start it. */
export async function execute(client: Client, command: string, context: ChannelContext): Promise<Channel> {
  const answered = new AbortController();
  const answer = new Promise<Channel>((resolve, reject) => {
    // The callback does not come when the connection ends first.
    const onLost = () => reject(new Error('the connection was closed'));
    client.once('close', onLost);
    void context.clock.sleep(context.timeoutMs, answered.signal).then(() => {
      if (answered.signal.aborted) return;
      context.onSilent();
      reject(new Error('it does not start a shell in time'));
    });
    try {
      client.exec(command, (error, stream) => {
        client.off('close', onLost);
        if (error) return reject(error);
        // Too late: whoever wanted it has gone.
        if (answered.signal.aborted) return stream.close();
        stream.once('close', context.onClose);
        // At once: a moment later its end may have been told already.
        resolve(asChannel(client, stream, context));
      });
    } catch (error) {
      client.off('close', onLost);
      reject(error as Error);
    }
  });
  return await answer.finally(() => answered.abort());
}

function asChannel(client: Client, stream: ClientChannel, { clock, onSilent }: ChannelContext): Channel {
  const closed = new AbortController();
  const ended = new Promise<{ code: number } | null>((resolve) => {
    stream.once('exit', (code: number | null, signal?: string) =>
      resolve({ code: code ?? 128 + signalNumber(signal) }),
    );
    stream.once('close', () => {
      closed.abort();
      resolve(null);
    });
  });
  const push = stream.push.bind(stream);
  stream.push = (chunk, encoding) => {
    if (chunk === null || stream.readableLength <= mostUnreadBytes) return push(chunk, encoding);
    // The library does not mind when a server sends more than it may; without this it would all be kept.
    client.emit('error', new Error('it sends more than it was allowed to'));
    client.destroy();
    return false;
  };
  const close = () => {
    stream.close();
    if (closed.signal.aborted) return;
    void clock.sleep(closeMs, closed.signal).then(() => {
      if (closed.signal.aborted) return;
      // The library tells an end only when the server does; nobody waits for one that does not.
      onSilent();
      stream.emit('close');
    });
  };
  return { stdin: stream, stdout: stream, stderr: stream.stderr, ended, close };
}

function signalNumber(name: string | undefined): number {
  const numbers: Record<string, number | undefined> = constants.signals;
  return numbers[name ?? ''] ?? numbers[`SIG${name}`] ?? 0;
}
