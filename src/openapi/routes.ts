import { Type } from 'typebox';
import type { HttpApp } from '../platform/http/server.ts';
import { collectRoutes, type ApiRoute } from './collect-routes.ts';
import { openApiDocument } from './document.ts';

/** Describes this route and every one that is registered on `app` after it, and adds them to `routes`. */
export function openApiRoutes(
  app: HttpApp,
  context: { publicUrl: () => string; version: string; routes: ApiRoute[] },
): void {
  const { routes } = context;
  collectRoutes(app, routes);
  // Made when first asked for, and kept as the bytes alone: who never asks pays nothing.
  let document: Buffer | null = null;
  app.route({
    method: 'GET',
    url: '/openapi.json',
    config: { access: 'public' },
    schema: {
      operationId: 'getOpenapi',
      summary: 'This description of the API, as OpenAPI 3.1',
      // Sent as the bytes that it is kept as.
      response: { 200: Type.Unsafe<Buffer>({ type: 'object', additionalProperties: {} }) },
    },
    handler: async (_request, reply) => {
      const { publicUrl, version } = context;
      document ??= Buffer.from(
        JSON.stringify(openApiDocument(routes, { server: `${publicUrl()}${app.prefix}`, version })),
      );
      return reply.type('application/json; charset=utf-8').send(document);
    },
  });
}
