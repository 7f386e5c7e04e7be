import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';

/*
 * Sends `perSecond` requests a second whether they are answered or not (an open loop), in a process of its own, for so long.
 * What is due is written every few milliseconds, several requests to a connection where it must be. Whether a
 * request has truly arrived is told by its answer. Run with a JSON argument; prints a JSON line with the result.
 */

export type RubbishPlan = {
  host: string;
  port: number;
  /** `{uuid}` in it becomes a new one in each request. */
  path: string;
  headers: Record<string, string>;
  bodyBytes: number;
  connections: number;
  perSecond: number;
  durationMs: number;
};

export type RubbishResult = {
  sentPerSecond: number;
  answeredPerSecond: number;
  /** Answers by their status. */
  statuses: Record<string, number>;
  /** Connections that the server closed. */
  closed: number;
};

/** What a connection may hold back before it gets no more: the server does not read it. */
const mostBuffered = 262_144;

if (process.argv[2]) console.log(JSON.stringify(await run(JSON.parse(process.argv[2]) as RubbishPlan)));

async function run(plan: RubbishPlan): Promise<RubbishResult> {
  const body = 'x'.repeat(plan.bodyBytes);
  const text = (path: string) =>
    [
      `POST ${path} HTTP/1.1`,
      `Host: ${plan.host}:${plan.port}`,
      'Content-Type: application/json',
      ...Object.entries(plan.headers).map(([name, value]) => `${name}: ${value}`),
      `Content-Length: ${body.length}`,
      '',
      body,
    ].join('\r\n');
  const prepared = plan.path.includes('{uuid}') ? null : Buffer.from(text(plan.path), 'latin1');
  const one = () => prepared ?? Buffer.from(text(plan.path.replace('{uuid}', randomUUID())), 'latin1');

  let sent = 0;
  let closed = 0;
  let isOver = false;
  const statuses: Record<string, number> = {};
  const open = (): Socket => {
    const socket = connect(plan.port, plan.host);
    socket.setNoDelay(true);
    let rest = '';
    socket.on('data', (chunk) => {
      const answers = rest + chunk.toString('latin1');
      let at = answers.indexOf('HTTP/1.1 ');
      let end = 0;
      while (at >= 0 && at + 12 <= answers.length) {
        const status = answers.slice(at + 9, at + 12);
        statuses[status] = (statuses[status] ?? 0) + 1;
        end = at + 12;
        at = answers.indexOf('HTTP/1.1 ', end);
      }
      rest = answers.slice(Math.max(end, answers.length - 11));
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (isOver) return;
      closed++;
      sockets[sockets.indexOf(socket)] = open();
    });
    return socket;
  };
  const sockets: Socket[] = [];
  for (let index = 0; index < plan.connections; index++) sockets.push(open());

  const begin = performance.now();
  let next = 0;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const passed = performance.now() - begin;
      if (passed >= plan.durationMs) {
        clearInterval(timer);
        return resolve();
      }
      // What could not be sent in time is not made up for in one go.
      const due = Math.min((passed / 1000) * plan.perSecond - sent, plan.perSecond / 20);
      for (let left = Math.floor(due); left > 0; left--) {
        const socket = sockets[next++ % sockets.length]!;
        if (socket.writableLength > mostBuffered) continue;
        socket.write(one());
        sent++;
      }
    }, 4);
  });
  const seconds = (performance.now() - begin) / 1000;
  const answered = Object.values(statuses).reduce((sum, count) => sum + count, 0);
  isOver = true;
  for (const socket of sockets) socket.destroy();
  return {
    sentPerSecond: Math.round(sent / seconds),
    answeredPerSecond: Math.round(answered / seconds),
    statuses,
    closed,
  };
}
