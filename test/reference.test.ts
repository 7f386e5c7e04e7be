import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { startBrowser } from './support/browser.ts';
import { operationsOf, readDocument } from './support/openapi-document.ts';
import { startPathProxy } from './support/path-proxy.ts';
import { startServer, type TestServer } from './support/server.ts';

describe('the API reference at /docs', () => {
  let server: TestServer;
  let browser: Browser;

  before(async () => {
    [server, browser] = await Promise.all([startServer(), startBrowser()]);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  /** Opens the page and waits for its groups; notes each request, and whatever the browser complains about. */
  async function open(url: string, viewport = { width: 1280, height: 900 }) {
    const context = await browser.newContext({ viewport });
    const page = await context.newPage();
    const requests: string[] = [];
    const complaints: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(url);
    await page.locator('.opblock-tag').first().waitFor();
    return { page, requests, complaints, close: () => context.close() };
  }

  /** Unfolds one group after another and counts what is in them. */
  async function countOperations(page: Page): Promise<number> {
    let count = 0;
    for (const group of await page.locator('.opblock-tag').all()) {
      await group.click();
      await page.locator('.opblock').first().waitFor();
      count += await page.locator('.opblock').count();
      await group.click();
      await page.locator('.opblock').first().waitFor({ state: 'detached' });
    }
    return count;
  }

  /** Unfolds an operation, tries it out with a token and returns the status that is shown. */
  async function tryOut(page: Page, group: string, operationId: string, token: string): Promise<string> {
    await page.locator('.btn.authorize').click();
    await page.locator('.auth-container input').fill(token);
    await page.locator('.auth-btn-wrapper .authorize').click();
    await page.locator('.auth-btn-wrapper .btn-done').click();
    await page.locator(`.opblock-tag[data-tag="${group}"]`).click();
    const operation = page.locator(`[id$="-${operationId}"]`);
    await operation.locator('.opblock-summary-control').click();
    await operation.locator('.try-out__btn').click();
    await operation.locator('.btn.execute').click();
    return await operation.locator('.live-responses-table .response-col_status').last().innerText();
  }

  test('it shows every operation, and nothing on it asks another host or is refused by its own policy', async () => {
    const { page, requests, complaints, close } = await open(`${server.url}/docs`);
    assert.equal(await countOperations(page), operationsOf(await readDocument(server)).length);
    const status = await tryOut(page, 'Account', 'getUserMe', (await server.login()).token ?? '');
    assert.match(status, /^200/);
    assert.deepEqual(complaints, []);
    const foreign = requests.filter((url) => !url.startsWith(`${server.url}/`) && !url.startsWith('data:'));
    assert.deepEqual(foreign, []);
    assert.ok(requests.includes(`${server.url}/api/users/me`));
    await close();
  });

  test('its policy allows nothing beyond its own files', async () => {
    const { headers } = await fetch(`${server.url}/docs`);
    const policy = headers.get('content-security-policy') ?? '';
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /unsafe|https?:|\*/);
  });

  test('it works below a path of a proxy', async () => {
    const proxy = await startPathProxy(server.url, '/tools/hookline');
    const { page, requests, complaints, close } = await open(`${proxy.url}/docs`);
    const elsewhere = requests.filter((url) => !url.startsWith(`${proxy.url}/`) && !url.startsWith('data:'));
    assert.deepEqual(elsewhere, []);
    assert.match(await tryOut(page, 'Account', 'getUserMe', (await server.login()).token ?? ''), /^200/);
    assert.deepEqual(complaints, []);
    await close();
    const withSlash = await fetch(`${proxy.url}/docs/`);
    await withSlash.arrayBuffer();
    assert.equal(withSlash.url, `${proxy.url}/docs`);
    await proxy.stop();
  });

  test('nothing of it is wider than a phone', async () => {
    const { page, close } = await open(`${server.url}/docs`, { width: 390, height: 844 });
    await page.locator('.opblock-tag[data-tag="Pipelines"]').click();
    await page.locator('[id$="-addPipelineAction"] .opblock-summary-control').click();
    await page.locator('[id$="-addPipelineAction"] .responses-wrapper').waitFor();
    const width = await page.evaluate('document.documentElement.scrollWidth');
    assert.equal(width, 390);
    await close();
  });

  test('a file that the browser has already is not sent again, and no other file is ever sent', async () => {
    const first = await fetch(`${server.url}/docs/swagger-ui.css`);
    await first.arrayBuffer();
    const etag = first.headers.get('etag') ?? '';
    const again = await fetch(`${server.url}/docs/swagger-ui.css`, { headers: { 'if-none-match': etag } });
    assert.equal(again.status, 304);
    for (const name of ['package.json', '..%2f..%2fpackage.json', 'constructor', 'index.html'])
      assert.equal((await fetch(`${server.url}/docs/${name}`)).status, 404, name);
  });
});
