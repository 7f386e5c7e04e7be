import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

/*
 * Each runs a test file of its own, in which a page does what it must not, and looks at how that ends. A file that
 * never ends is killed, and told apart from one that fails.
 */

const support = import.meta.dirname;

/** A test whose page has `body`, and which then waits for what such a page never shows; `policy` is the page's. */
function testOf({
  policy = '',
  body,
  more = "await page.locator('#never').waitFor();",
}: {
  policy?: string;
  body: string;
  more?: string;
}) {
  return `
    import { createServer } from 'node:http';
    import { once } from 'node:events';
    import { test } from 'node:test';
    import { browserForTests } from ${JSON.stringify(join(support, 'browser.ts'))};
    const { open } = browserForTests();
    test('the page', async (t) => {
      const server = createServer((request, response) => {
        response.setHeader('content-type', 'text/html');
        response.setHeader('content-security-policy', ${JSON.stringify(policy)});
        response.end(${JSON.stringify(`<!doctype html><title>A page</title>${body}`)});
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const opening = open(t, 'http://127.0.0.1:' + server.address().port);
      // As a server is stopped: where this does not run, the file never ends.
      t.after(() => { server.closeAllConnections(); server.close(); });
      const { page } = await opening;
      ${more}
    });`;
}

async function run(
  t: TestContext,
  text: string,
): Promise<{ code: unknown; isKilled: boolean; output: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'hookline-browser-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'page.test.ts');
  await writeFile(file, text);
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return await new Promise((resolve) => {
    const options = { env, timeout: 60_000, killSignal: 'SIGKILL' as const };
    execFile(process.execPath, ['--test', file], options, (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, isKilled: error?.killed ?? false, output: stdout + stderr });
    });
  });
}

const faults = {
  'an error of a script': {
    body: '<script>setTimeout(() => { throw new Error("boom"); })</script>',
    told: /error: boom/,
  },
  'a promise that nobody catches': {
    body: '<script>Promise.reject(new Error("boom"))</script>',
    told: /error: boom/,
  },
  'a breach of its policy by a script': {
    policy: "default-src 'none'",
    body: '<script>document.title = "no"</script>',
    told: /console: .*Content Security Policy/,
  },
  'a breach of its policy by a style': {
    policy: "default-src 'none'; style-src-attr 'none'",
    body: '<p style="color: red">red</p>',
    told: /console: .*Content Security Policy/,
  },
  'a request to another host': {
    body: '<img src="http://127.0.0.1:9/pixel.png" alt="" />',
    told: /request to http:\/\/127\.0\.0\.1:9\/pixel\.png/,
  },
};

for (const [what, { told, ...page }] of Object.entries(faults)) {
  test(`${what} fails its test, which then waits for nothing and ends`, async (t) => {
    const { code, isKilled, output } = await run(t, testOf(page));
    assert.equal(isKilled, false, 'the file hung');
    assert.equal(code, 1, output);
    assert.match(output, told);
    assert.doesNotMatch(output, /Timeout \d+ms exceeded/);
  });
}

test('a fault fails a test that saw nothing of it', async (t) => {
  const more = `await page.evaluate(() => console.error('oh no')); await page.title().catch(() => '');`;
  const { code, isKilled, output } = await run(t, testOf({ body: '', more }));
  assert.equal(isKilled, false, 'the file hung');
  assert.equal(code, 1, output);
  assert.match(output, /console: oh no/);
});

test('a page without a fault passes, and what the API refuses is none', async (t) => {
  const more = `await page.evaluate(() => fetch('/missing')); await page.getByText('hello').waitFor();`;
  const { code, output } = await run(t, testOf({ body: '<p>hello</p>', more }));
  assert.equal(code, 0, output);
});
