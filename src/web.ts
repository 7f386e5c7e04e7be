import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from './platform/errors.ts';
import { escapeHtml, htmlPage, pageHeaders } from './platform/http/page.ts';
import { sendError } from './platform/http/send-error.ts';
import type { HttpApp } from './platform/http/server.ts';

/** Where `npm run build` puts the dashboard. */
const builtFolder = fileURLToPath(new URL('../web/dist', import.meta.url));

/**
 * The dashboard: its files, and its one page at every other address that a browser asks for, such as `/actions/42`. The
 * page finds everything relative to its base, so that it works below any path of a proxy.
 */
export function webPages(
  app: HttpApp,
  { publicUrl, folder = builtFolder }: { publicUrl: () => string; folder?: string },
): void {
  app.setNotFoundHandler(async (request, reply) => {
    const path = request.url.split('?')[0] ?? '/';
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    const built = isRead && !isOfServer(path) ? await readBuild(folder) : null;
    const file = built?.files.get(path);
    if (file) return sendFile(file, request, reply);
    const wantsPage = /text\/html/.test(request.headers.accept ?? '');
    if (!isRead || !wantsPage || isOfServer(path) || path.startsWith('/assets/')) {
      return sendError(new AppError('not_found', nothingAt(request.method, path)), request, reply);
    }
    if (!built) return reply.status(503).headers(pageHeaders).send(notBuilt(publicUrl()));
    return sendPage(built, publicUrl(), request, reply);
  });
}

/** Below these nothing is the page's: what is missing there is missing. */
function isOfServer(path: string): boolean {
  return /^\/(api|mcp|docs|healthz|readyz)(\/|$)/.test(path);
}

function nothingAt(method: string, path: string): string {
  const isRoot = path === '/' || /^\/api\/?$/.test(path);
  const elsewhere = isOfServer(path) ? '' : ` The API is below /api: try ${method} /api${path}.`;
  const hint = isRoot ? ' The API is described at /docs, and as OpenAPI at /api/openapi.json.' : elsewhere;
  return `There is nothing at ${method} ${path}.${hint}`;
}

type WebFile = { path: string; type: string; encodings: string[]; isImmutable: boolean };
type Build = {
  /** `index.html` with its placeholders. */
  page: string;
  /** Every file beside it, by its address: no other is ever read. */
  files: Map<string, WebFile>;
};

const builds = new Map<string, { etag: string; build: Promise<Build> }>();

/** Reads a build once, and again when another one has taken its place. Null where there is none. */
async function readBuild(folder: string): Promise<Build | null> {
  const found = await stat(join(folder, 'index.html')).catch(() => null);
  if (!found) return null;
  const etag = `${found.ino} ${found.mtimeMs}`;
  const known = builds.get(folder);
  if (known?.etag === etag) return await known.build;
  const build = listBuild(folder);
  builds.set(folder, { etag, build });
  build.catch(() => builds.delete(folder));
  return await build;
}

async function listBuild(folder: string): Promise<Build> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = new Set(
    entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)),
  );
  const files = new Map<string, WebFile>();
  for (const path of paths) {
    const address = path.slice(folder.length).replaceAll('\\', '/');
    const type = types[extname(path)];
    if (!type || address === '/index.html') continue;
    const encodings = Object.keys(endings).filter((encoding) => paths.has(path + endings[encoding]!));
    files.set(address, { path, type, encodings, isImmutable: address.startsWith('/assets/') });
  }
  return { page: await readFile(join(folder, 'index.html'), 'utf8'), files };
}

/** A file of another kind is not sent. */
const types: Record<string, string> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.webmanifest': 'application/manifest+json',
};

/** What a file was compressed to when it was built; the best first. */
const endings: Record<string, string> = { br: '.br', gzip: '.gz' };

const everywhere = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

async function sendFile(file: WebFile, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const encoding = file.encodings.find((one) => accepts(request.headers['accept-encoding'], one));
  const path = file.path + (encoding ? endings[encoding] : '');
  const { size, mtimeMs } = await stat(path);
  const etag = `"${size.toString(36)}-${Math.round(mtimeMs).toString(36)}"`;
  reply
    .headers(everywhere)
    // An image may hold scripts too, and is opened by itself at its own address.
    .header('content-security-policy', "default-src 'none'; frame-ancestors 'none'")
    .header('cache-control', file.isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache')
    .header('vary', 'accept-encoding')
    .header('etag', etag);
  if (isKnown(request, etag)) return reply.status(304).send();
  if (encoding) reply.header('content-encoding', encoding);
  reply.status(200).type(file.type).header('content-length', size);
  return reply.send(request.method === 'HEAD' ? null : createReadStream(path));
}

/** Fills in where the page is and what its styles are known by. */
function sendPage(
  { page }: Build,
  publicUrl: string,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const base = `${new URL(publicUrl).pathname.replace(/\/$/, '')}/`;
  const etag = `W/"${createHash('sha256').update(`${base} ${page}`).digest('base64url')}"`;
  reply.headers(everywhere).header('cache-control', 'private, no-cache').header('etag', etag);
  // Without a policy: the browser keeps the one that it has, whose nonce is that of the page that it has.
  if (isKnown(request, etag)) return reply.status(304).send();
  const nonce = randomBytes(18).toString('base64url');
  const html = page.replaceAll('%BASE%', escapeHtml(base)).replaceAll('%NONCE%', nonce);
  reply
    .status(200)
    .type('text/html; charset=utf-8')
    .header('content-length', Buffer.byteLength(html))
    .header('content-security-policy', contentSecurityPolicy(nonce));
  return reply.send(request.method === 'HEAD' ? null : html);
}

/** The page may load from and speak to its own origin only, and runs no script that stands in a page. */
function contentSecurityPolicy(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "style-src-attr 'none'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function isKnown({ headers }: FastifyRequest, etag: string): boolean {
  return (headers['if-none-match'] ?? '').split(',').some((one) => one.trim() === etag);
}

function accepts(header: string | string[] | undefined, encoding: string): boolean {
  const offers = String(header ?? '')
    .split(',')
    .map((offer) => offer.trim());
  return offers.some((offer) => {
    const [name, quality] = offer.split(/\s*;\s*q=/);
    return name === encoding && Number(quality ?? 1) > 0;
  });
}

function notBuilt(publicUrl: string): string {
  return htmlPage(
    'Hookline',
    `<h1>Hookline is running</h1>
<p>Its dashboard has not been built yet. In the folder of Hookline, run</p>
<pre>npm run build</pre>
<p>and load this page again. The API answers meanwhile: see the <a href="${escapeHtml(publicUrl)}/docs">reference</a>.</p>`,
  );
}
