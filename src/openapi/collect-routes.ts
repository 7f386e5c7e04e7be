import type { Access } from '../accounts/access.ts';
import type { HttpApp } from '../platform/http/server.ts';
import type { RouteFacts } from '../platform/http/route-facts.ts';
import type { JsonSchema } from './json-schema.ts';

/** One schema, or one for each content type. */
export type Content = JsonSchema & { content?: Record<string, { schema: JsonSchema }> };

type RouteSchema = {
  operationId?: string;
  summary?: string;
  description?: string;
  params?: JsonSchema;
  querystring?: JsonSchema;
  headers?: JsonSchema;
  body?: Content;
  response?: Record<string, Content>;
};

/** A route as it was registered; `path` is as OpenAPI writes it, `/projects/{project_id}`, without the prefix. */
export type ApiRoute = {
  method: string;
  path: string;
  schema: RouteSchema;
  config: RouteFacts & { access?: Access };
};

/** The routes that are registered on `app` after this call, as they come, added to `routes`; `app` has the prefix. */
export function collectRoutes(app: HttpApp, routes: ApiRoute[] = []): ApiRoute[] {
  app.addHook('onRoute', ({ method, url, schema, config }) => {
    if (method === 'HEAD') return;
    const path = url.slice(app.prefix.length).replaceAll(/:(\w+)/g, '{$1}');
    for (const one of [method].flat()) {
      // Safe: our schemas are TypeBox's, which are JSON Schema.
      routes.push({
        method: one.toLowerCase(),
        path,
        schema: (schema ?? {}) as RouteSchema,
        config: config ?? {},
      });
    }
  });
  return routes;
}
