import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HookRegistry, IncomingHook } from '../hooks/registry.ts';
import { clientAddress, type TrustedAddress } from '../platform/http/client-address.ts';
import type { RefusalCounter } from './refusal-counter.ts';
import { refusalMessage, type UnverifiedLimit } from './unverified.ts';
import { whyUnsigned } from './signature.ts';
import { isWorthReading } from './worth-reading.ts';

const address = /^\/api\/hooks\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/trigger(?:\?|$)/i;

/** Answers a request, or calls `next`, at once or later, to let it go its usual way. */
export type Shed = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

/**
 * Answers what an address sends that is over its limit, unless it may turn out to be signed, before anything else looks at
 * it: without a record, a route, or a body.
 */
export function createShed(context: {
  registry: HookRegistry;
  unverified: UnverifiedLimit;
  refusals: RefusalCounter;
  trustProxy: TrustedAddress | false;
}): Shed {
  const { registry, unverified, refusals, trustProxy } = context;
  return (request, response, next) => {
    const uuid = request.method === 'POST' && address.exec(request.url ?? '')?.[1]?.toLowerCase();
    if (!uuid) return next();
    const wait = unverified.wait(clientAddress(request, trustProxy));
    if (wait === 0) return next();
    const judge = (hook: IncomingHook | null) => {
      if (hook && mayVerify(hook, request)) return next();
      if (hook) refusals.count(hook.row.id);
      refuse(request, response, wait);
    };
    const known = registry.knownIncoming(uuid);
    if (known !== undefined) return judge(known);
    // Why it cannot be asked for is told on the usual way.
    registry.incoming(uuid).then(judge, next);
  };
}

function mayVerify(hook: IncomingHook, { headers }: IncomingMessage): boolean {
  return hook.row.active === 1 && whyUnsigned(hook, headers) === null;
}

const body = JSON.stringify({ message: refusalMessage, errors: null });
const length = String(Buffer.byteLength(body));

function refuse(request: IncomingMessage, response: ServerResponse, wait: number): void {
  const headers = [
    'x-request-id',
    randomUUID(),
    'retry-after',
    String(wait),
    'content-type',
    'application/json; charset=utf-8',
    'content-length',
    length,
  ];
  if (!isWorthReading(request.headers)) headers.push('connection', 'close');
  response.writeHead(429, headers).end(body);
}
