import pino from 'pino';
import { guardRoutes, type Access, type RequestLimits } from '../src/accounts/access.ts';
import { registerApi, type Parts } from '../src/app.ts';
import { createHttpApp } from '../src/platform/http/server.ts';

/** `path` is as the documents write it: `/api/projects/{project_id}`. */
export type RegisteredRoute = {
  method: string;
  path: string;
  operationId: string;
  summary: string;
  access: Access;
};

/** Every route below `/api`, by path, as the program registers them. */
export async function registeredRoutes(): Promise<RegisteredRoute[]> {
  const log = pino({ level: 'silent' });
  const app = createHttpApp({ log, trustProxy: false });
  const routes: RegisteredRoute[] = [];
  // Safe: registering a route touches nothing of what its handler will need.
  const parts = {
    config: { maxBodyBytes: 1 },
    clock: { now: () => 0 },
    connection: {},
    writer: {},
    limits: {},
    log,
  };
  guardRoutes(app, parts as unknown as Parts & { db: never; limits: RequestLimits; publicUrl: () => string });
  app.addHook('onRoute', ({ method, path, schema, config }) => {
    if (method === 'HEAD') return;
    const described = schema as { operationId?: string; summary?: string } | undefined;
    routes.push({
      method: String(method),
      path: path.replaceAll(/:(\w+)/g, '{$1}'),
      operationId: described?.operationId ?? '',
      summary: described?.summary ?? '',
      // Safe: the guard has refused every route without one.
      access: config!.access!,
    });
  });
  registerApi(app, parts as unknown as Parts);
  await app.ready();
  return routes.sort((a, b) => a.path.localeCompare(b.path) || a.method.localeCompare(b.method));
}
