import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { FastifyReply } from 'fastify';
import { notFound } from '../platform/errors.ts';
import type { HttpApp } from '../platform/http/server.ts';

/**
 * The API reference at `/docs`: a page of ours and the files of swagger-ui, streamed from disk, so that it costs nothing
 * until somebody opens it. Its addresses are relative and work below any path of a proxy.
 */
export function referencePage(app: HttpApp): void {
  app.route({
    method: 'GET',
    url: '/docs',
    config: { access: 'public' },
    handler: (request, reply) => sendFile('page.html', request.headers['if-none-match'], reply),
  });
  // From here the relative addresses of the page would lead astray.
  app.route({
    method: 'GET',
    url: '/docs/',
    config: { access: 'public' },
    handler: (_request, reply) => reply.redirect('../docs', 308),
  });
  app.route<{ Params: { file: string } }>({
    method: 'GET',
    url: '/docs/:file',
    config: { access: 'public' },
    handler: (request, reply) => sendFile(request.params.file, request.headers['if-none-match'], reply),
  });
}

const script = 'text/javascript; charset=utf-8';
const style = 'text/css; charset=utf-8';

/** Every file that the page is made of; no other is ever read. */
const files: Record<string, { from: () => string; type: string }> = {
  'page.html': { from: () => import.meta.resolve('./reference/page.html'), type: 'text/html; charset=utf-8' },
  'page.css': { from: () => import.meta.resolve('./reference/page.css'), type: style },
  'boot.js': { from: () => import.meta.resolve('./reference/boot.js'), type: script },
  'swagger-ui.css': { from: () => import.meta.resolve('swagger-ui-dist/swagger-ui.css'), type: style },
  'swagger-ui-bundle.js': {
    from: () => import.meta.resolve('swagger-ui-dist/swagger-ui-bundle.js'),
    type: script,
  },
  'favicon-32x32.png': {
    from: () => import.meta.resolve('swagger-ui-dist/favicon-32x32.png'),
    type: 'image/png',
  },
};

/** The page may load from and speak to its own origin only. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

async function sendFile(name: string, known: string | undefined, reply: FastifyReply): Promise<FastifyReply> {
  const file = Object.hasOwn(files, name) ? files[name] : undefined;
  if (!file) throw notFound('The file');
  const path = fileURLToPath(file.from());
  const { size, mtimeMs } = await stat(path);
  const etag = `"${size.toString(36)}-${Math.round(mtimeMs).toString(36)}"`;
  reply
    .header('content-security-policy', contentSecurityPolicy)
    .header('x-content-type-options', 'nosniff')
    .header('referrer-policy', 'no-referrer')
    .header('cache-control', 'no-cache')
    .header('etag', etag);
  if (known === etag) return reply.status(304).send();
  return reply.type(file.type).header('content-length', size).send(createReadStream(path));
}
