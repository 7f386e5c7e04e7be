import pino from 'pino';
import { guardRoutes } from '../src/accounts/access.ts';
import type { IncomingHook } from '../src/hooks/registry.ts';
import { decide } from '../src/incoming/decide.ts';
import { triggerRoute } from '../src/incoming/trigger-route.ts';
import { systemClock } from '../src/platform/clock.ts';
import type { Db } from '../src/platform/database/connect.ts';
import { createHttpApp, type HttpApp } from '../src/platform/http/server.ts';

/* The baseline of `bench/accept`: the very route and decision of the product, with a receiver that stores nothing. */

// Safe: the accept path reads the hook it is given and nothing else of these; `IncomingHook` comes as JSON.
const hook = JSON.parse(process.argv[2] ?? '{}') as IncomingHook;
const app = createHttpApp({ log: pino({ level: 'error' }), trustProxy: false });
const never = { take: () => undefined };
guardRoutes(app, {
  db: null as unknown as Db,
  clock: systemClock,
  limits: { address: never, token: never },
  publicUrl: () => 'http://localhost',
});
app.register(
  async (api: HttpApp) =>
    triggerRoute(api, {
      clock: systemClock,
      maxBodyBytes: 25 * 1024 * 1024,
      receiver: {
        receive: async (_uuid, request) => {
          const decision = await decide(hook, request, Date.now(), 25 * 1024 * 1024);
          return {
            status: decision.status,
            body: {
              message: decision.reason,
              errors: null,
              action_id: 1,
              hook_request_id: crypto.randomUUID(),
            },
          };
        },
        greet: async () => null,
        replay: async () => {
          throw new Error('not used here');
        },
        refuseUnread: async () => {
          throw new Error('not used here');
        },
      },
    }),
  { prefix: '/api' },
);
await app.listen({ host: '127.0.0.1', port: 0 });
const address = app.server.address();
console.log(`listening on http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`);
