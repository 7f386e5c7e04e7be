import { createServer } from 'node:http';

/** The web server of one release, not listening yet. `release` is what build.js has written: commit and name. */
export function createApp(release) {
  const pages = {
    '/': { message: 'Hello from hello-web', ...release },
    // What bin/restart.sh waits for.
    '/healthz': { status: 'ok', ...release },
  };
  return createServer((request, response) => {
    const path = request.url.split('?')[0];
    const page = Object.hasOwn(pages, path) ? pages[path] : null;
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (!page) send(response, 404, { error: 'Not found' });
    else if (!isRead) send(response, 405, { error: 'Only GET' }, { allow: 'GET, HEAD' });
    else send(response, 200, page);
  });
}

function send(response, status, body, headers = {}) {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers });
  response.end(`${JSON.stringify(body)}\n`);
}
