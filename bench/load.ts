import { connect, type Socket } from 'node:net';

/*
 * A load generator in a process of its own: `connections` sockets, each sending its next request as soon as the last
 * one is answered. Written on raw sockets, since any HTTP client would cost more than the server under test.
 * Run with a JSON argument; prints a JSON line with the result.
 */

export type LoadPlan = {
  host: string;
  port: number;
  path: string;
  headers: Record<string, string>;
  /** Base64, so that it survives the way here byte by byte. */
  body: string;
  /** A header that gets a new id in each request, as a delivery id does. */
  idHeader: string;
  connections: number;
  warmupMs: number;
  durationMs: number;
};

export type LoadResult = {
  requests: number;
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
  errors: number;
};

if (process.argv[2]) console.log(JSON.stringify(await run(JSON.parse(process.argv[2]) as LoadPlan)));

async function run(plan: LoadPlan): Promise<LoadResult> {
  const body = Buffer.from(plan.body, 'base64');
  const fixed = [
    `POST ${plan.path} HTTP/1.1`,
    `Host: ${plan.host}:${plan.port}`,
    ...Object.entries(plan.headers).map(([name, value]) => `${name}: ${value}`),
    `Content-Length: ${body.length}`,
  ].join('\r\n');
  const latencies: number[] = [];
  let errors = 0;
  let sequence = 0;
  const begin = performance.now() + plan.warmupMs;
  const end = begin + plan.durationMs;

  const drive = (socket: Socket) =>
    new Promise<void>((resolve) => {
      let sentAt = 0;
      let answer = '';
      const send = () => {
        sentAt = performance.now();
        answer = '';
        socket.write(
          Buffer.concat([
            Buffer.from(`${fixed}\r\n${plan.idHeader}: ${process.pid}-${begin}-${sequence++}\r\n\r\n`),
            body,
          ]),
        );
      };
      socket.setNoDelay(true);
      socket.on('connect', send);
      socket.on('error', () => {
        errors++;
        resolve();
      });
      socket.on('close', () => resolve());
      socket.on('data', (chunk) => {
        answer += chunk.toString('latin1');
        const head = answer.indexOf('\r\n\r\n');
        if (head < 0) return;
        const length = Number(/content-length: (\d+)/i.exec(answer)?.[1] ?? 0);
        if (answer.length < head + 4 + length) return;
        const now = performance.now();
        const ok = answer.startsWith('HTTP/1.1 2');
        if (now >= begin && now < end) {
          if (ok) latencies.push(now - sentAt);
          else errors++;
        }
        if (now >= end) {
          socket.destroy();
          resolve();
        } else {
          send();
        }
      });
    });

  await Promise.all(Array.from({ length: plan.connections }, () => drive(connect(plan.port, plan.host))));
  latencies.sort((a, b) => a - b);
  const at = (part: number) => Number((latencies[Math.floor(latencies.length * part)] ?? 0).toFixed(2));
  return {
    requests: latencies.length,
    perSecond: Math.round(latencies.length / (plan.durationMs / 1000)),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: at(0.9999),
    errors,
  };
}
