import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { browserForTests } from './support/browser.ts';
import { openDeployScene } from './support/deploy-scene.ts';
import type { DeployScene } from './support/deploy-scene.ts';

describe('the pages of applications', { timeout: 500_000 }, () => {
  const { openSignedIn } = browserForTests();
  let scene: DeployScene;
  before(async () => {
    scene = await openDeployScene();
  });
  after(() => scene[Symbol.asyncDispose]());

  async function openAt(t: TestContext, path: string): Promise<Page> {
    return (await openSignedIn(t, scene.url, path)).page;
  }

  test('an application is deployed now, and rolled back to the release before; the page says which one is live', async (t) => {
    const shop = await scene.createDeployment({ files: { 'index.html': 'first' } });
    await shop.deployed();
    const [first] = await shop.releases();
    const second = await shop.repository.commit({ 'index.html': 'second' }, { message: 'The second page' });
    const page = await openAt(t, `/applications/${shop.applicationId}`);
    const rowOf = (name: string) => page.getByRole('row').filter({ hasText: name });
    await rowOf(first!.name).getByText('Live').waitFor();

    await page.getByRole('button', { name: 'Deploy now' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Run', exact: true }).click();
    await page.waitForURL(/\/actions\/\d+$/);
    const actionId = Number(/\/actions\/(\d+)/.exec(page.url())?.[1]);
    assert.equal((await scene.untilAction(actionId)).status, 'completed');
    assert.equal(await shop.live('index.html'), 'second');
    // The page of the action knows of the releases too.
    await page.getByRole('button', { name: 'Roll back', exact: true }).waitFor();

    await page.goto(`${scene.url}/applications/${shop.applicationId}`);
    await rowOf(second.slice(0, 7)).getByText('Live').waitFor();
    await page.getByRole('button', { name: `Roll back to ${first!.name}` }).click();
    const dialog = page.getByRole('dialog');
    assert.match(await dialog.innerText(), new RegExp(`in place of ${second.slice(0, 7)}`));
    assert.equal(await shop.live('index.html'), 'second');
    await dialog.getByRole('button', { name: 'Roll back', exact: true }).click();

    // It changes by itself once the rollback has ended.
    await rowOf(first!.name).getByText('Live').waitFor();
    await page.getByRole('list', { name: 'Latest runs' }).getByText('Rollback').waitFor();
    await page.getByRole('button', { name: `Roll back to ${(await shop.releases())[0]!.name}` }).waitFor();
    assert.equal(await shop.live('index.html'), 'first');
  });

  test('an application is made, told what is wrong with it, changed in every field, and deleted by its name', async (t) => {
    const { api, environmentId } = scene;
    await api.post(`/environments/${environmentId}/servers`, { hostname: 'web-9' });
    const page = await openAt(t, '/applications');
    await page.getByRole('link', { name: 'New application' }).first().click();
    await page.getByRole('heading', { name: 'New application' }).waitFor();
    const field = (name: string) => page.getByRole('textbox', { name, exact: true });
    const required = (name: string) => page.getByRole('textbox', { name: new RegExp(`^${name}`) });
    await required('Name').fill('fresh');
    await required('Repository').fill('no repository');
    await field('Folder on the target').fill('srv/fresh');
    await page.getByRole('button', { name: 'Create the application' }).click();
    await page.getByText('must be owner/name or a full git URL').first().waitFor();
    await page
      .getByText(/must begin with \/ or ~\//)
      .first()
      .waitFor();
    await required('Repository').fill('acme/fresh');
    await field('Folder on the target').fill('/srv/fresh');
    await page.getByRole('button', { name: 'Create the application' }).click();
    await page.getByRole('heading', { name: 'fresh' }).waitFor();
    const id = Number(/\/applications\/(\d+)/.exec(page.url())?.[1]);

    await page.getByRole('tab', { name: 'Settings' }).click();
    await required('Default branch').fill('trunk');
    await page.getByRole('combobox', { name: 'Servers' }).click();
    await page.getByRole('option', { name: 'web-9' }).click();
    await page.keyboard.press('Escape');
    await page.getByRole('combobox', { name: 'Credential of the source provider' }).click();
    await page.getByRole('option', { name: /the git host/ }).click();
    await field('Folder of the repository').fill('/apps/web');
    await field('Install the dependencies').fill('npm ci');
    await field('Build').fill('npm run build');
    await required('Releases that are kept').fill('7');
    await field('Language').fill('nodejs');
    await field('Its version').fill('26');
    await field('Framework').fill('none');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('Saved. The next deployment goes by it.').waitFor();
    const stored = await api.get<Record<string, unknown> & { servers: { name: string }[] }>(
      `/applications/${id}`,
    );
    const expected = {
      name: 'fresh',
      repository: 'acme/fresh',
      default_branch: 'trunk',
      root_directory: '/apps/web',
      deploy_directory: '/srv/fresh',
      install_dependencies_command: 'npm ci',
      build_command: 'npm run build',
      deployments_keep: 7,
      programming_language: 'nodejs',
      engine_version: '26',
      framework: 'none',
    };
    for (const [name, value] of Object.entries(expected)) assert.equal(stored[name], value, name);
    assert.deepEqual(
      stored.servers.map(({ name }) => name),
      ['web-9'],
    );
    assert.ok(stored['credential']);
    assert.ok(!(await page.content()).includes(scene.token));

    await page.getByRole('button', { name: 'Delete the application' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox').fill('fresh');
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await page.waitForURL(/\/applications$/);
    assert.equal((await api.request('GET', `/applications/${id}`)).status, 404);
  });

  test('an application leads to its pipelines, hooks and variables, and to a new pipeline of its own', async (t) => {
    const shop = await scene.createDeployment();
    await scene.api.post(`/pipelines/${shop.pipelineId}/hooks/incoming`, { name: 'Push to main' });
    const page = await openAt(t, `/applications/${shop.applicationId}?tab=hooks`);
    const hook = page.getByRole('link', { name: 'Push to main' });
    assert.match((await hook.getAttribute('href')) ?? '', /\/hooks\/incoming\/[\w-]+$/);
    await page.getByRole('tab', { name: 'Settings' }).click();
    const variables = page.getByRole('link', { name: /^Variables of/ });
    assert.match(
      (await variables.getAttribute('href')) ?? '',
      new RegExp(`of=application-${shop.applicationId}`),
    );
    await page.getByRole('tab', { name: 'Pipelines' }).click();
    const pipeline = page.getByRole('link', { name: 'Deploy', exact: true });
    assert.equal(await pipeline.getAttribute('href'), `/pipelines/${shop.pipelineId}`);
    await page.getByRole('link', { name: 'New pipeline' }).click();
    const { name } = await scene.api.get<{ name: string }>(`/applications/${shop.applicationId}`);
    assert.equal(await page.getByRole('combobox', { name: 'Belongs to' }).inputValue(), name);
  });
});
