import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { hmacSha256 } from '../web/src/pages/first-steps/hmac.ts';
import { browserForTests } from './support/browser.ts';
import { startFakeProvider } from './support/fake-provider.ts';
import { startReceiver } from './support/receiver.ts';
import { startServer, type TestServer } from './support/server.ts';

const email = 'admin@example.com';
const password = 'correct-horse-battery';
const commit = '7fd1a60b01f91b314f59955a4e4d4e80d8edf11d';

test('a test event is signed as the standard says, whatever the length of secret and text', () => {
  for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 200, 4097]) {
    const text = 'é€a'.repeat(length).slice(0, length);
    for (const secret of ['s', 'x'.repeat(64), 'ü'.repeat(70)])
      assert.equal(hmacSha256(secret, text), createHmac('sha256', secret).update(text).digest('hex'));
  }
});

describe('the first steps', () => {
  const { open } = browserForTests();
  let server: TestServer;

  before(async () => {
    server = await startServer();
  });
  after(() => server?.stop());

  const signIn = async (page: Page) => {
    await page.getByLabel('E-mail').fill(email);
    await page.getByRole('textbox', { name: 'Password' }).fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
  };
  const step = (page: Page, name: string) => page.getByRole('listitem', { name });

  test('lead from an empty installation to a status at the commit, over a reload', async (t) => {
    const github = await startReceiver({
      behave: () => ({ kind: 'answer', status: 201, body: '{"id": 1}' }),
    });
    t.after(() => github.close());
    const { page } = await open(t, `${server.url}/`);
    page.setDefaultTimeout(12_000);
    await signIn(page);
    await page.getByRole('link', { name: 'Begin' }).click();

    await page.getByRole('textbox', { name: 'Repository' }).fill('acme/web');
    await page.getByRole('textbox', { name: 'Token' }).fill('ghp_a_token_of_the_provider');
    await page.getByLabel('Address of your own server').fill(github.url);
    await page.getByRole('button', { name: 'Connect', exact: true }).click();

    await page.getByText('Plain script', { exact: true }).click();
    await page
      .getByRole('textbox', { name: 'Script of step 1' })
      .fill('echo "deployed $HOOKLINE_COMMIT_HASH"');
    await page.getByRole('button', { name: 'Create the pipeline' }).click();

    await page.getByRole('button', { name: 'Get the URL and the secret' }).click();
    const url = await page.getByRole('textbox', { name: 'Payload URL' }).inputValue();
    assert.match(url, /\/api\/hooks\/[0-9a-f-]{36}\/trigger$/);
    const secret = await page.getByRole('textbox', { name: 'Secret' }).inputValue();
    assert.ok(secret.length >= 20);

    // What was shown once is gone after a reload; all else goes on.
    await page.reload();
    await page.getByText('it was shown once').waitFor();
    assert.equal((await page.content()).includes(secret), false);
    assert.equal(page.url().includes(secret), false);
    await page.getByRole('button', { name: 'Make a new secret' }).click();
    await page.getByRole('textbox', { name: 'Secret' }).waitFor();

    await page.getByRole('button', { name: 'Report commit statuses' }).click();
    await page.getByRole('textbox', { name: 'Commit' }).fill(commit);
    await page.getByRole('button', { name: 'Send a test event' }).click();

    const arrivals = step(page, 'Send an event, and watch it run');
    await arrivals.locator('[data-status=accepted]').waitFor();
    await arrivals.getByRole('link', { name: /action \d+/ }).waitFor();
    await arrivals.locator('[data-status=completed]').first().waitFor();
    const report = step(page, 'Report the result');
    await report.getByText('action.completed').waitFor();
    await report.locator('[data-status=delivered]').nth(2).waitFor();

    const sent = github.requests.filter(({ path }) => path === `/api/v3/repos/acme/web/statuses/${commit}`);
    assert.deepEqual(sent.map((request) => (request.json() as { state: string }).state).slice(-1), [
      'success',
    ]);
    assert.equal(sent[0]!.headers.authorization, 'Bearer ghp_a_token_of_the_provider');
  });

  test('install the hook at the provider by one button', async (t) => {
    const provider = await startFakeProvider('gitlab');
    t.after(() => provider.close());
    const { page } = await open(t, `${server.url}/first-steps`);
    page.setDefaultTimeout(12_000);
    await signIn(page);
    await page.getByText('GitLab', { exact: true }).click();
    await page.getByRole('textbox', { name: 'Repository' }).fill('acme/shop');
    await page.getByRole('textbox', { name: 'Token' }).fill('glpat-a_token_of_the_provider');
    await page.getByLabel('Address of your own server').fill(provider.apiUrl);
    await page.getByRole('button', { name: 'Connect', exact: true }).click();
    await page.getByText('Plain script', { exact: true }).click();
    await page.getByRole('button', { name: 'Create the pipeline' }).click();
    await page.getByRole('button', { name: 'Get the URL and the secret' }).click();
    const secret = await page.getByRole('textbox', { name: 'Secret token' }).inputValue();
    await page.getByRole('button', { name: 'Install for me at GitLab' }).click();
    await page.getByText('The hook is installed').waitFor();
    assert.deepEqual(provider.faults, []);
    assert.equal(provider.hooks.length, 1);
    assert.equal(provider.hooks[0]!.secret, secret);
    await page.getByRole('button', { name: 'Send a test event' }).click();
    await step(page, 'Send an event, and watch it run').locator('[data-status=completed]').first().waitFor();
  });
});
