import type { ApiRoute } from './collect-routes.ts';
import { errorComponents, errorSchema } from './errors.ts';
import { headerComponents } from './headers.ts';
import { hoist } from './hoist-schemas.ts';
import { info } from './info.ts';
import type { SchemaComponents } from './json-schema.ts';
import { operationOf } from './operation.ts';
import { tagsOf } from './tags.ts';

/**
 * The OpenAPI document of the routes. `server` is the address that their paths follow, such as
 * `https://hooks.example.com/api`. Throws on what no client could be made from: an operation without or with another's
 * id, or two different schemas of one title.
 */
export function openApiDocument(
  routes: ApiRoute[],
  { server, version }: { server: string; version: string },
) {
  const components: SchemaComponents = new Map();
  hoist(errorSchema, components);
  const ids = new Set<string>();
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes.toSorted((a, b) => a.path.localeCompare(b.path))) {
    const id = route.schema.operationId ?? '';
    if (ids.has(id)) throw new Error(`Two operations are called ${id}.`);
    ids.add(id);
    (paths[route.path] ??= {})[route.method] = operationOf(route, server, components);
  }
  return {
    openapi: '3.1.1',
    info: info(version),
    servers: [{ url: server }],
    tags: tagsOf(Object.keys(paths)),
    paths,
    components: {
      schemas: Object.fromEntries([...components].sort(([a], [b]) => a.localeCompare(b))),
      responses: errorComponents,
      headers: headerComponents,
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description:
            'An access token from signing in (`hl_at_…`), a personal access token (`hl_pat_…`) or an API token of a project (`hl_prj_…`).',
        },
      },
    },
  };
}
