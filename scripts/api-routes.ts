import pino from 'pino';
import { guardRoutes } from '../src/accounts/access.ts';
import { registerApi, type Parts } from '../src/app.ts';
import type { ApiRoute } from '../src/openapi/collect-routes.ts';
import { createHttpApp } from '../src/platform/http/server.ts';

/** The routes below `/api` as the program registers them, without a server that listens. */
export async function apiRoutes(): Promise<ApiRoute[]> {
  const log = pino({ level: 'silent' });
  const app = createHttpApp({ log, trustProxy: false });
  // Safe: registering a route touches nothing of what its handler will need.
  const parts = {
    config: { maxBodyBytes: 1 },
    clock: { now: () => 0 },
    connection: {},
    writer: {},
    limits: {},
    log,
  };
  guardRoutes(app, parts as unknown as Parameters<typeof guardRoutes>[1]);
  const routes: ApiRoute[] = [];
  registerApi(app, parts as unknown as Parts, routes);
  await app.ready();
  await app.close();
  return routes;
}
