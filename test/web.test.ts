import assert from 'node:assert/strict';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { brotliDecompressSync } from 'node:zlib';
import { browserForTests } from './support/browser.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { startInProcessApp, type InProcessApp } from './support/in-process-app.ts';
import { startPathProxy, type PathProxy } from './support/path-proxy.ts';
import { webSources, type WebSources } from './support/web-build.ts';

const html = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

describe('the page of the dashboard', () => {
  const { open } = browserForTests();
  let sources: WebSources;
  let database: TestDatabase;
  let belowDatabase: TestDatabase;
  let app: InProcessApp;
  /** The same below a path. */
  let below: InProcessApp;
  let proxy: PathProxy;

  before(async () => {
    sources = await webSources();
    await sources.build();
    database = await createTestDatabase('sqlite');
    belowDatabase = await createTestDatabase('sqlite');
    const webFolder = sources.dist;
    app = await startInProcessApp({ database, webFolder, env: { HOOKLINE_ROLE: 'api' } });
    const env = { HOOKLINE_ROLE: 'api', HOOKLINE_URL: 'http://example.com/hookline' };
    below = await startInProcessApp({ database: belowDatabase, webFolder, env });
    proxy = await startPathProxy(below.url, '/hookline');
  });
  after(async () => {
    await proxy?.stop();
    await below?.stop();
    await app?.stop();
    await belowDatabase?.drop();
    await database?.drop();
    await sources?.remove();
  });

  const get = (path: string, headers: Record<string, string> = html, method = 'GET') =>
    fetch(app.url + path, { method, headers, redirect: 'manual' });
  const script = async () => {
    const names = await readdir(join(sources.dist, 'assets'));
    return `/assets/${names.find((name) => name.endsWith('.js'))}`;
  };

  test('stands at every address of a resource', async () => {
    for (const path of ['/', '/actions/42', '/hooks/incoming/5?tab=requests', '/apiary']) {
      const answer = await get(path);
      assert.equal(answer.status, 200, path);
      assert.match(answer.headers.get('content-type') ?? '', /^text\/html/);
      assert.match(await answer.text(), /<base href="\/" \/>/);
    }
  });

  test('stands at no address of the server, of a file, or for what is no browser', async () => {
    for (const path of ['/api', '/api/nothing', '/docs/nothing', '/healthz/x', '/assets/gone-1234.js']) {
      const answer = await get(path);
      assert.equal(answer.status, 404, path);
      assert.match(answer.headers.get('content-type') ?? '', /^application\/json/, path);
    }
    assert.equal((await get('/actions/42', { accept: '*/*' })).status, 404);
    assert.equal((await get('/actions/42', html, 'POST')).status, 404);
    for (const path of ['/.stamp', '/assets/..%2f.stamp', '/%2e%2e/vite.config.mjs'])
      assert.doesNotMatch(await (await get(path)).text(), /^[0-9a-f]{64}$|export default/, path);
  });

  test('allows its own origin and its own styles alone, with a new nonce each time', async () => {
    const nonces = new Set<string>();
    for (let count = 0; count < 2; count++) {
      const answer = await get('/actions');
      const [, nonce = ''] = /<meta name="csp-nonce" content="([\w-]{24})"/.exec(await answer.text()) ?? [];
      nonces.add(nonce);
      assert.deepEqual(answer.headers.get('content-security-policy')?.split('; '), [
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
      ]);
      assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
      assert.equal(answer.headers.get('referrer-policy'), 'no-referrer');
      assert.equal(answer.headers.get('cross-origin-opener-policy'), 'same-origin');
    }
    assert.equal(nonces.size, 2);
  });

  test('is asked for again each time, and sent again only when it has changed', async () => {
    const answer = await get('/');
    assert.equal(answer.headers.get('cache-control'), 'private, no-cache');
    const known = { ...html, 'if-none-match': answer.headers.get('etag') ?? '' };
    const again = await get('/', known);
    assert.equal(again.status, 304);
    assert.equal(again.headers.get('content-security-policy'), null);
    const index = join(sources.dist, 'index.html');
    const before = await readFile(index, 'utf8');
    await writeFile(index, before.replace('A page', 'Another page'));
    const changed = await get('/', known);
    await writeFile(index, before);
    assert.equal(changed.status, 200);
    assert.match(await changed.text(), /Another page/);
  });

  test('its files are kept for ever, and come compressed to whoever takes that', async () => {
    const path = await script();
    const bytes = await readFile(join(sources.dist, path));
    const plain = await get(path, { 'accept-encoding': 'identity' });
    assert.equal(plain.headers.get('cache-control'), 'public, max-age=31536000, immutable');
    assert.match(plain.headers.get('content-type') ?? '', /^text\/javascript/);
    assert.deepEqual(Buffer.from(await plain.arrayBuffer()), bytes);
    assert.deepEqual(brotliDecompressSync(await readFile(join(sources.dist, `${path}.br`))), bytes);
    for (const [accepted, sent] of [
      ['gzip, deflate, br', 'br'],
      ['br;q=0, gzip', 'gzip'],
      ['zstd', null],
    ] as const) {
      const answer = await get(path, { 'accept-encoding': accepted });
      assert.equal(answer.headers.get('content-encoding'), sent, accepted);
      assert.equal(answer.headers.get('vary'), 'accept-encoding');
      assert.deepEqual(Buffer.from(await answer.arrayBuffer()), bytes);
    }
    assert.equal((await get('/favicon.svg')).headers.get('cache-control'), 'no-cache');
  });

  test('HEAD answers as GET does, without the content', async () => {
    for (const path of ['/actions/42', await script()]) {
      const [whole, head] = [await get(path), await get(path, html, 'HEAD')];
      assert.equal(head.status, 200);
      for (const name of ['content-type', 'cache-control', 'etag', 'x-content-type-options'])
        assert.equal(head.headers.get(name), whole.headers.get(name), `${name} of ${path}`);
      assert.equal(await head.text(), '');
    }
  });

  test('holds no secret: it is the same for everybody', async () => {
    const text = async (headers: Record<string, string>) =>
      (await (await get('/actions', { ...html, ...headers })).text()).replace(/content="[\w-]{24}"/, '');
    const signIn = await app.api.request('POST', '/session', {
      email: 'admin@example.com',
      password: 'correct-horse-battery',
    });
    const cookie = signIn.headers.get('set-cookie')?.split(';')[0] ?? '';
    assert.equal(await text({ cookie }), await text({}));
    assert.doesNotMatch(await text({ cookie }), /hl_/);
  });

  test('works in a browser, and again when the browser has it already', async (t) => {
    const { page } = await open(t, `${app.url}/actions/42`);
    const padding = () => page.evaluate('getComputedStyle(document.body).padding');
    for (let visit = 0; visit < 2; visit++) {
      await page.locator('body[data-loaded=yes]').waitFor();
      assert.equal(await padding(), '5px');
      assert.equal(await page.evaluate('getComputedStyle(document.body).margin'), '7px');
      await page.goto(`${app.url}/actions/42`);
    }
  });

  test('works below a path, whether the proxy takes the path off or leaves it', async (t) => {
    for (const url of [proxy.url, `${below.url}/hookline`]) {
      const { page } = await open(t, `${url}/actions/42`);
      await page.locator('body[data-loaded=yes]').waitFor();
      assert.equal(await page.evaluate('document.baseURI'), `${url}/`);
      for (const path of ['/api/openapi.json', '/healthz', '/docs', '/'])
        assert.equal((await fetch(url + path, { headers: html })).status, 200, url + path);
      assert.equal((await fetch(`${url}/api/users/me`, { headers: html })).status, 401);
    }
    assert.equal((await fetch(`${below.url}/hookline?x=1`, { headers: html })).status, 200);
    assert.equal((await fetch(`${below.url}/hooklines/api/openapi.json`)).status, 404);
  });

  test('the cookie of signing in serves the page alone: no script sees it', async (t) => {
    const { page, context } = await open(t, `${app.url}/`);
    const statuses = await page.evaluate(async () => {
      const body = JSON.stringify({ email: 'admin@example.com', password: 'correct-horse-battery' });
      const headers = { 'content-type': 'application/json' };
      const signIn = await fetch('api/session', { method: 'POST', headers, body });
      const me = await fetch('api/users/me');
      const csrf = { 'x-hookline-csrf': '1' };
      const forgotten = await fetch('api/session', { method: 'DELETE' });
      if (Reflect.get(globalThis, 'document').cookie !== '') throw new Error('A script sees the cookie.');
      const signOut = await fetch('api/session', { method: 'DELETE', headers: csrf });
      const statuses = [signIn, me, forgotten, signOut, await fetch('api/users/me')];
      return statuses.map((one) => one.status);
    });
    assert.deepEqual(statuses, [200, 200, 403, 204, 401]);
    assert.deepEqual(await context.cookies(), []);
  });

  test('says how to build it where it is not built, and is there once it is', async () => {
    const aside = `${sources.dist}-aside`;
    await rename(sources.dist, aside);
    try {
      const answer = await get('/actions/42');
      assert.equal(answer.status, 503);
      assert.match(await answer.text(), /npm run build/);
    } finally {
      await rename(aside, sources.dist);
    }
    assert.equal((await get('/actions/42')).status, 200);
  });
});

test('a build is made once, whole and again after a change, also by two at the same time', async () => {
  const sources = await webSources();
  try {
    const printed = await Promise.all([sources.build(), sources.build(), sources.build()]);
    assert.ok(printed.some((text) => text.includes('Building')));
    const stamp = () => readFile(join(sources.dist, '.stamp'), 'utf8');
    const first = await stamp();
    assert.equal(await sources.build(), '');
    await writeFile(join(sources.folder, 'sdk', 'client.ts'), 'export {};');
    await Promise.all([sources.build(), sources.build()]);
    assert.notEqual(await stamp(), first);
    assert.equal(await sources.build(), '');
    const left = await readdir(join(sources.folder, 'web'));
    assert.deepEqual(
      left.filter((name) => name.startsWith('.')),
      [],
    );
    await rm(join(sources.folder, 'web', 'src', 'main.css'));
    await assert.rejects(sources.build());
    // What was there stays until there is something better.
    assert.match(await readFile(join(sources.dist, 'index.html'), 'utf8'), /%NONCE%/);
  } finally {
    await sources.remove();
  }
});
