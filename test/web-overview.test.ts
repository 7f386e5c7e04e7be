import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { browserForTests } from './support/browser.ts';
import {
  createApplication,
  createIncomingHook,
  createPipeline,
  openWorkplace,
  untilAction,
} from './support/fixtures.ts';
import { startServer, type TestServer } from './support/server.ts';

describe('the page of the overview', () => {
  const { open } = browserForTests();
  let server: TestServer;

  before(async () => {
    server = await startServer();
  });
  after(() => server?.stop());

  test('tells what runs, what failed and why, and which hooks are off, without a reload', async (t) => {
    const workplace = await openWorkplace(server);
    const application = await createApplication(workplace);
    const failing = await createPipeline(workplace, application, ['echo broken >&2; exit 7']);
    const slow = await createPipeline(workplace, application, ['sleep 300'], { name: 'Slow' });
    await createIncomingHook(workplace, failing, { name: 'Switched off', active: false });

    const { page } = await open(t, `${server.url}/`);
    await page.getByLabel('E-mail').fill('admin@example.com');
    await page.getByRole('textbox', { name: 'Password' }).fill('correct-horse-battery');
    await page.getByRole('button', { name: 'Sign in' }).click();
    const part = (name: string) => page.getByRole('region', { name });
    await part('Hooks that need a look').getByRole('link', { name: 'Switched off' }).waitFor();
    await part('Running now').getByText('Nothing runs.').waitFor();

    const run = async (pipeline: number) =>
      (await workplace.api.post<{ id: number }>(`/pipelines/${pipeline}/actions`, {})).id;
    const failed = await untilAction(workplace, await run(failing));
    const running = await run(slow);
    await part('Failed since yesterday').getByText(failed.status_reason_human_readable).waitFor();
    await part('Running now').locator('[data-status=in-progress]').waitFor();
    await page.getByRole('link', { name: /^1\s*failed since yesterday$/ }).waitFor();

    await workplace.api.post(`/actions/${running}/cancel`, {});
    await part('Running now').getByText('Nothing runs.').waitFor();
    await page.getByText('As a table').last().click();
    const table = page.getByRole('table').last();
    assert.match((await table.innerText()).trim().split('\n').at(-1)!, /0\s+2$/);
    await part('Failed since yesterday').getByRole('link').last().click();
    await page.waitForURL(`${server.url}/actions/${failed.id}`);
  });
});
