import { createServer } from 'node:http';

/*
 * A receiver in a process of its own. `/well/…` is answered at once, `/slow/…` after 2 s, `/flapping/…` fails by turns,
 * `/never/…` is never answered. `GET /arrivals` lists when requests to `/well/…` came, by path: ms since 1970, with fractions.
 */

const arrivals = new Map<string, number>();
let flips = 0;

const server = createServer((request, response) => {
  const path = request.url ?? '';
  if (path === '/arrivals') {
    response.end(JSON.stringify(Object.fromEntries(arrivals)));
    arrivals.clear();
    return;
  }
  const at = performance.timeOrigin + performance.now();
  request.resume();
  request.on('end', () => {
    const answer = (status: number) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end('{"id":1,"state":"success"}');
    };
    if (path.startsWith('/slow/')) setTimeout(answer, 2000, 200);
    else if (path.startsWith('/flapping/')) answer(flips++ % 2 === 0 ? 500 : 200);
    else if (!path.startsWith('/never/')) {
      arrivals.set(path, at);
      answer(200);
    }
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  console.log(`listening on http://127.0.0.1:${typeof address === 'object' ? address?.port : ''} `);
});
