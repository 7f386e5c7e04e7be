import type { HttpApp } from './platform/http/server.ts';
import { AppError } from './platform/errors.ts';
import { escapeHtml, htmlPage, pageHeaders } from './platform/http/page.ts';
import { sendError } from './platform/http/send-error.ts';

/**
 * What a browser sees at any address that is not the API: which call answers for it. Commit statuses link to
 * `/actions/42`, so whoever follows such a link must find out how to read that action.
 */
export function landingPage(app: HttpApp, publicUrl: () => string): void {
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0] ?? '/';
    const isPage =
      request.method === 'GET' && !path.startsWith('/api') && /text\/html/.test(request.headers.accept ?? '');
    if (!isPage) return sendError(new AppError('not_found', nothingAt(request.method, path)), request, reply);
    return reply.headers(pageHeaders).send(page(publicUrl(), path));
  });
}

function nothingAt(method: string, path: string): string {
  const isRoot = path === '/' || /^\/api\/?$/.test(path);
  const elsewhere = path.startsWith('/api') ? '' : ` The API is below /api: try ${method} /api${path}.`;
  const hint = isRoot ? ' The API is described at /docs, and as OpenAPI at /api/openapi.json.' : elsewhere;
  return `There is nothing at ${method} ${path}.${hint}`;
}

function page(publicUrl: string, path: string): string {
  const [, kind, id] =
    /^\/(action|pipeline|application|server|environment|project)s\/(\d+)$/.exec(path) ?? [];
  const command = `curl -H 'Authorization: Bearer <token>' ${publicUrl}/api${kind ? path : '/actions'}`;
  const signIn = `curl ${publicUrl}/api/users/login -H 'Content-Type: application/json' -d '{"email": "<email>", "password": "<password>"}'`;
  return htmlPage(
    'Hookline',
    `<h1>Hookline is running</h1>
<p>${kind ? `This is the address of <strong>${kind} ${id}</strong>. ` : ''}This version has no pages yet; the API answers for everything:</p>
<pre>${escapeHtml(command)}</pre>
<p>A token comes from</p>
<pre>${escapeHtml(signIn)}</pre>
<p>Every call is described in the <a href="${escapeHtml(publicUrl)}/docs">reference</a>.</p>`,
  );
}
