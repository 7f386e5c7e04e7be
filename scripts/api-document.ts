import pino from 'pino';
import { guardRoutes } from '../src/accounts/access.ts';
import { registerApi, type Parts } from '../src/app.ts';
import { collectRoutes } from '../src/openapi/collect-routes.ts';
import { openApiDocument } from '../src/openapi/document.ts';
import { createHttpApp } from '../src/platform/http/server.ts';

const prefix = '/api';

/** The OpenAPI document of the routes that the program registers, without a server that listens. */
export async function apiDocument(): Promise<ReturnType<typeof openApiDocument>> {
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
  const routes = collectRoutes(app);
  registerApi(app, parts as unknown as Parts);
  await app.ready();
  const below = routes.map((route) => ({ ...route, path: route.path.slice(prefix.length) }));
  await app.close();
  return openApiDocument(below, { server: prefix, version: '0.1.0' });
}
