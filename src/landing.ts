import type { HttpApp } from './platform/http/server.ts';
import { AppError } from './platform/errors.ts';
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
    return reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
      .send(page(publicUrl(), path));
  });
}

function nothingAt(method: string, path: string): string {
  if (/^\/api\/hooks\/[^/]+\/trigger$/.test(path)) return `Send a POST to ${path}; ${method} does nothing.`;
  const hint = path.startsWith('/api') ? '' : ` The API is below /api: try ${method} /api${path}.`;
  return `There is nothing at ${method} ${path}.${hint}`;
}

function page(publicUrl: string, path: string): string {
  const [, kind, id] =
    /^\/(action|pipeline|application|server|environment|project)s\/(\d+)$/.exec(path) ?? [];
  const command = `curl -H 'Authorization: Bearer <token>' ${publicUrl}/api${kind ? path : '/actions'}`;
  const signIn = `curl ${publicUrl}/api/users/login -H 'Content-Type: application/json' -d '{"email": "<email>", "password": "<password>"}'`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Hookline</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
  body { max-width: 42rem; margin: 12vh auto 0; padding: 0 1.25rem }
  pre { padding: .75rem 1rem; border: 1px solid color-mix(in srgb, currentColor 25%, transparent); border-radius: .5rem; white-space: pre-wrap; overflow-wrap: anywhere }
</style>
<h1>Hookline is running</h1>
<p>${kind ? `This is the address of <strong>${kind} ${id}</strong>. ` : ''}This version has no pages yet; the API answers for everything:</p>
<pre>${escapeHtml(command)}</pre>
<p>A token comes from</p>
<pre>${escapeHtml(signIn)}</pre>
</html>
`;
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
