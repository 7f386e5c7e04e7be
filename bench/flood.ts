import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pushPayload } from '../test/support/github.ts';
import type { LoadResult } from './load.ts';
import type { RubbishPlan, RubbishResult } from './rubbish.ts';
import { createHook, runGenerator, signedLoad, startHookline } from './serve.ts';

/*
 * Signed requests per second of one server process (HOOKLINE_ROLE=api, SQLite, fsync on every commit) while 10,000
 * requests a second arrive that nobody has signed, beside the same load alone, in turns. Server and both generators
 * share the machine.
 *
 *   node bench/flood.ts [--seconds 6] [--rate 10000] [--only "no signature"] [--profile folder]
 */

const seconds = Number(option('--seconds') ?? 6);
const perSecond = Number(option('--rate') ?? 10_000);
const only = option('--only') ?? '';
const profile = option('--profile');
const connections = 64;
const rubbishConnections = 64;
const rounds = 3;
const secret = randomBytes(32).toString('hex');
const warmupMs = 2000;
const body = pushPayload();
const wrong = { 'X-Hub-Signature-256': `sha256=${'0'.repeat(64)}` };
const malformed = { 'X-Hub-Signature-256': 'sha256=rubbish' };

const data = await mkdtemp(join(tmpdir(), 'hookline-bench-'));
const nodeOptions = profile ? ['--cpu-prof', `--cpu-prof-dir=${profile}`] : [];
const server = await startHookline(data, nodeOptions);
try {
  const { hostname: host, port } = new URL(server.url);
  const hook = await createHook(server.url, secret);
  const path = `/api/hooks/${hook.id}/trigger`;
  const unknown = '/api/hooks/{uuid}/trigger';
  const target = { host, port: Number(port) };
  const kinds: Record<string, Pick<RubbishPlan, 'path' | 'headers' | 'bodyBytes'>> = {
    'no signature, 7 kB': { path, headers: {}, bodyBytes: body.length },
    'no signature, no body': { path, headers: {}, bodyBytes: 0 },
    'malformed signature, 7 kB': { path, headers: malformed, bodyBytes: body.length },
    'unknown hooks, no body': { path: unknown, headers: {}, bodyBytes: 0 },
    'unknown hooks, signature, 7 kB': { path: unknown, headers: wrong, bodyBytes: body.length },
    'wrong signature, 7 kB': { path, headers: wrong, bodyBytes: body.length },
  };
  console.log(
    `${connections} connections signed, ${rubbishConnections} of rubbish at ${perSecond}/s, ${seconds} s each, medians of ${rounds}, Node ${process.version}\n`,
  );
  for (const [name, kind] of Object.entries(kinds).filter(([one]) => one.includes(only))) {
    const results: { alone: LoadResult; under: LoadResult; rubbish: RubbishResult }[] = [];
    for (let round = 0; round < rounds; round++) {
      const alone = await loadSigned(`${server.url}${path}`);
      const durationMs = seconds * 1000 + warmupMs + 1000;
      const sending = runGenerator<RubbishResult>('bench/rubbish.ts', {
        ...target,
        ...kind,
        connections: rubbishConnections,
        perSecond,
        durationMs,
      } satisfies RubbishPlan);
      const [under, rubbish] = await Promise.all([loadSigned(`${server.url}${path}`), sending]);
      results.push({ alone, under, rubbish });
    }
    const ratio = ({ alone, under }: (typeof results)[number]) => under.perSecond / alone.perSecond;
    const { alone, under, rubbish } = results.toSorted((a, b) => ratio(a) - ratio(b))[
      Math.floor(rounds / 2)
    ]!;
    const ratios = results.map((one) => ratio(one).toFixed(2)).join(', ');
    const p99s = results.map((one) => `${one.under.p99Ms}`).join(', ');
    console.log(
      `${name}\n  signed alone ${told(alone)}\n  under it     ${told(under)}  → ${ratio({ alone, under, rubbish }).toFixed(2)} (${ratios}; p99 ${p99s})\n` +
        `  rubbish      ${rubbish.sentPerSecond}/s sent, ${rubbish.answeredPerSecond}/s answered ${JSON.stringify(rubbish.statuses)}, ${rubbish.closed} connections closed`,
    );
  }
} finally {
  await server.stop();
  await rm(data, { recursive: true, force: true });
}

function told({ perSecond: rate, p50Ms, p99Ms, errors }: LoadResult): string {
  return `${rate}/s, p50 ${p50Ms} ms, p99 ${p99Ms} ms${errors > 0 ? `, ${errors} ERRORS` : ''}`;
}

async function loadSigned(url: string): Promise<LoadResult> {
  const plan = signedLoad(url, secret, body, { connections, warmupMs, durationMs: seconds * 1000 });
  return await runGenerator<LoadResult>('bench/load.ts', plan);
}

function option(name: string): string | undefined {
  const index = process.argv.indexOf(name);
  return index < 0 ? undefined : process.argv[index + 1];
}
