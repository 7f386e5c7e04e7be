import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { expectAccessible } from './support/accessible.ts';
import { browserForTests } from './support/browser.ts';
import {
  createApplication,
  createIncomingHook,
  createPipeline,
  openWorkplace,
  sendSigned,
  untilAction,
  type IncomingHook,
  type Workplace,
} from './support/fixtures.ts';
import type { InProcessApp } from './support/in-process-app.ts';
import { createInstallScene } from './support/install-scene.ts';
import { startServer, type TestServer } from './support/server.ts';

const push = (ref: string, more: Record<string, unknown> = {}) =>
  JSON.stringify({
    ref,
    after: 'a94a8fe5ccb19ba61c4c0873d391e987982fbbd3',
    repository: { id: 4711, full_name: 'octocat/hello-world' },
    head_commit: { id: 'a94a8fe5ccb19ba61c4c0873d391e987982fbbd3', message: 'Mend the basket' },
    ...more,
  });

describe('the pages of incoming hooks', () => {
  const { openSignedIn } = browserForTests();
  let server: TestServer;
  let workplace: Workplace;
  let pipeline: number;

  before(async () => {
    server = await startServer({ env: { HOOKLINE_EGRESS_ALLOW: '127.0.0.0/8' } });
    workplace = await openWorkplace(server);
    const application = await createApplication(workplace);
    const commands = ['echo "deploying $HOOKLINE_VAR_SOURCE_REF"'];
    pipeline = await createPipeline(workplace, application, commands, { name: 'Deploy the shop' });
  });
  after(() => server?.stop());

  const openPage = async (t: TestContext, path: string): Promise<Page> => {
    return (await openSignedIn(t, server.url, path)).page;
  };
  const hookFor = (name: string, fields: Record<string, unknown> = {}): Promise<IncomingHook> =>
    createIncomingHook(workplace, pipeline, { name, preset: 'github', ...fields });
  const definition = (hook: IncomingHook) =>
    workplace.api.get<{ settings: { variables: { name: string; path: string; type: string }[] } }>(
      `/hooks/incoming/${hook.id}`,
    );

  test('a hook that does not fire is diagnosed and mended with the preview', async (t) => {
    const hook = await hookFor('Pushes to main');
    await sendSigned(workplace, hook, push('refs/heads/develop'));

    const page = await openPage(t, '/hooks');
    const row = page.getByRole('row').filter({ hasText: 'Pushes to main' });
    await row.getByText(/must be "refs\/heads\/main", and found was "refs\/heads\/develop"/).waitFor();
    await row.getByRole('link', { name: 'Pushes to main' }).click();
    await page.getByRole('heading', { name: 'Pushes to main' }).waitFor();

    const record = page.getByRole('row').filter({ hasText: 'branch or tag' });
    await record.locator('[data-status=skipped]').waitFor();
    await record.getByRole('link').click();
    await page.getByRole('heading', { name: 'Request' }).waitFor();
    await page.getByRole('button', { name: 'Edit the hook with it' }).click();

    const preview = page.getByRole('region', { name: 'Preview' });
    await preview.getByText('1 of 3 not met').waitFor();
    await expectAccessible(page);
    const failing = page.getByRole('group', { name: 'Condition 2' });
    await failing.getByText('Not met').waitFor();
    await failing.getByText('"refs/heads/develop"').waitFor();

    const branches = page.getByRole('combobox', { name: 'Branches' });
    await branches.fill('develop');
    await branches.press('Enter');
    await preview.getByText('all 3 conditions met').waitFor();
    await preview.getByText('Would run', { exact: true }).waitFor();
    assert.equal(await preview.getByRole('button', { name: 'Replay' }).isDisabled(), true);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Nothing is changed.').waitFor();

    await preview.getByRole('button', { name: 'Replay' }).click();
    await preview.getByRole('link', { name: /^Action \d+$/ }).click();
    await page.waitForURL(/\/actions\/\d+$/);
    const action = await untilAction(workplace, Number(page.url().split('/').at(-1)));
    assert.equal(action.status, 'completed');
  });

  test('a value that is clicked becomes a variable, in the record and in the preview', async (t) => {
    const hook = await hookFor('Clicked');
    const { body } = await sendSigned(workplace, hook, push('refs/heads/main'));

    const page = await openPage(t, `/hook-requests/${body.hook_request_id}`);
    await page.getByRole('button', { name: '"octocat/hello-world"' }).click();
    const taken = page.getByRole('group', { name: 'Variable full_name' });
    await taken.getByText('"octocat/hello-world"').waitFor();
    assert.equal(
      await taken.getByRole('textbox', { name: 'Path', exact: true }).inputValue(),
      'repository.full_name',
    );

    const preview = page.getByRole('region', { name: 'Preview' });
    await preview.getByRole('button', { name: '4711', exact: true }).click();
    await page.getByRole('group', { name: 'Variable id' }).getByText('4711').waitFor();
    await preview.getByRole('button', { name: '"push"', exact: true }).click();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Nothing is changed.').waitFor();

    const { settings } = await definition(hook);
    assert.deepEqual(
      settings.variables.slice(-3).map(({ name, path, type }) => [name, path, type]),
      [
        ['full_name', 'repository.full_name', 'string'],
        ['id', 'repository.id', 'integer'],
        ['x_github_event', '$headers.x-github-event', 'string'],
      ],
    );
  });

  test('a pasted payload is tried while one types, and what the server refuses stands at its field', async (t) => {
    const hook = await hookFor('Pasted', {
      preset: undefined,
      trigger_when: { conditions: [{ path: 'env', accepted_values: ['prod'] }] },
    });
    const page = await openPage(t, `/hooks/incoming/${hook.id}?tab=edit`);
    const preview = page.getByRole('region', { name: 'Preview' });
    await preview.getByRole('textbox', { name: 'Body' }).fill('{"env": "test"}');
    await preview.getByText('1 of 1 not met').waitFor();
    await preview.getByRole('textbox', { name: 'Body' }).fill('{"env": "prod"}');
    await preview.getByText('Would run', { exact: true }).waitFor();

    await page.getByRole('button', { name: 'Add a variable' }).click();
    await page.getByRole('group', { name: 'Variable' }).getByLabel('Name').fill('not a name');
    await page
      .getByRole('group', { name: 'Variable not a name' })
      .getByText(/must match pattern/)
      .waitFor();
    await page.getByRole('button', { name: 'Undo the changes' }).click();
    await preview.getByText('Would run', { exact: true }).waitFor();
  });

  test('a payload of 1 MB leaves the page usable', async (t) => {
    const hook = await hookFor('Large');
    const commits = Array.from({ length: 4000 }, (_, index) => ({
      id: `commit ${index}`,
      message: 'x'.repeat(200),
      added: [`file-${index}.ts`],
    }));
    const large = push('refs/heads/main', { commits, text: 'y'.repeat(100_000) });
    assert.ok(large.length > 1_000_000);
    const { body } = await sendSigned(workplace, hook, large);

    const page = await openPage(t, `/hook-requests/${body.hook_request_id}`);
    await page.getByText('100000 characters').waitFor();
    await page.getByRole('button', { name: 'Edit the hook with it' }).click();
    const preview = page.getByRole('region', { name: 'Preview' });
    await preview.getByText('Would run', { exact: true }).waitFor();
    const nodes = await page.locator('*').count();
    assert.ok(nodes < 6000, `${nodes} elements are drawn`);
    await page.getByLabel('Name').first().fill('A name that is typed beside a large payload');
    await page.getByText('Not saved yet.').waitFor();
    await page.getByRole('button', { name: 'Undo the changes' }).click();

    await preview.getByLabel('Tried with').click();
    await page.getByRole('option', { name: 'What I paste' }).click();
    await preview.getByRole('textbox', { name: 'Body' }).fill(large);
    await preview.getByText('100000 characters').waitFor();
    await preview.getByText('2 of 3 not met').or(preview.getByText('1 of 3 not met')).waitFor();
  });

  test('a hook is made, shows its secret this once, is switched off and on, and deleted', async (t) => {
    const page = await openPage(t, `/hooks?new=incoming&pipeline=${pipeline}`);
    const dialog = page.getByRole('dialog', { name: 'New incoming hook' });
    await dialog.getByLabel('Name').fill('Made here');
    await dialog.getByRole('button', { name: 'Create' }).click();
    await page.getByRole('heading', { name: 'Made here' }).waitFor();
    const secret = await page.getByRole('textbox', { name: 'Secret' }).inputValue();
    assert.match(secret, /^[0-9a-f]{64}$/);
    const id = /incoming\/([0-9a-f-]{36})/.exec(page.url())![1]!;
    await page.getByRole('tab', { name: 'Requests' }).click();
    await page.getByText('Nothing has arrived yet').waitFor();

    await sendSigned(workplace, { id, secret: 'another secret than that' }, push('refs/heads/main'));
    const refused = page.getByRole('row').filter({ hasText: 'does not match' });
    await refused.locator('[data-status=refused]').waitFor();
    await sendSigned(workplace, { id, secret }, push('refs/heads/main'));
    await page.getByRole('row').filter({ hasText: 'Accepted.' }).waitFor();

    await page.reload();
    await page.getByRole('tab', { name: 'Set up' }).click();
    await page.getByRole('button', { name: 'New secret' }).waitFor();
    await expectAccessible(page);
    assert.equal((await page.content()).includes(secret), false);

    await page.getByRole('button', { name: 'Disable' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click();
    await page.getByText('This hook is disabled').waitFor();
    assert.equal((await sendSigned(workplace, { id, secret }, '{}')).status, 404);
    await page.getByRole('button', { name: 'Enable' }).click();
    await page.getByText('This hook is disabled').waitFor({ state: 'detached' });

    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByLabel('Type Made here to go on').fill('Made here');
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.waitForURL(`${server.url}/hooks`);
    assert.equal((await workplace.api.request('GET', `/hooks/incoming/${id}`)).status, 404);
  });

  test('a hook is installed at its provider by one click, and taken away again', async (t) => {
    // Safe: of the app it takes the API and the environment.
    const scene = createInstallScene(() => workplace as InProcessApp);
    const provider = await scene.provider(t, 'github');
    const hook = await scene.hook(provider, 'github', { name: 'To install', preset: 'github' });
    const page = await openPage(t, `/hooks/incoming/${hook.id}?tab=setup`);
    await page.getByRole('button', { name: 'Install for me' }).click();
    await page.getByRole('status').filter({ hasText: 'It is installed' }).waitFor();
    await page.getByText('Installed at github').waitFor();
    assert.equal((await scene.installationOf(hook))?.repository, 'octocat/hello-world');

    await page.getByRole('button', { name: 'Uninstall' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Take it away' }).click();
    await page.getByRole('button', { name: 'Install for me' }).waitFor();
    assert.equal(await scene.installationOf(hook), null);
  });
});
