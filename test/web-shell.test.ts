import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { browserForTests, type OpenPage } from './support/browser.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { createApplication, createPipeline } from './support/fixtures.ts';
import { startInProcessApp, type InProcessApp } from './support/in-process-app.ts';
import { startPathProxy, type PathProxy } from './support/path-proxy.ts';
import { openWebScene, type WebScene } from './support/web-scene.ts';

const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { level: 1, name });

async function signIn(page: Page, { email, password }: { email: string; password: string }): Promise<void> {
  await page.getByRole('textbox', { name: 'E-mail' }).fill(email);
  await page.getByLabel('Password').first().fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

describe('around every page of the dashboard', () => {
  const { open, openSignedIn } = browserForTests();
  let scene: WebScene;
  before(async () => {
    scene = await openWebScene();
  });
  after(async () => {
    await scene?.[Symbol.asyncDispose]();
  });

  const openAt = (t: TestContext, path: string): Promise<OpenPage> =>
    openSignedIn(t, scene.url, path, { account: scene.account });
  const pathOf = (page: Page) => new URL(page.url()).pathname;

  test('signing in leads back to where one was, with its filters', async (t) => {
    const { page } = await open(t, `${scene.url}/actions?status=failed`);
    await page.getByRole('heading', { name: 'Sign in to Hookline' }).waitFor();
    await signIn(page, { ...scene.account, password: 'not the password' });
    await page.getByRole('alert').getByText('E-mail or password is wrong.').waitFor();
    await signIn(page, scene.account);
    await heading(page, 'Actions').waitFor();
    assert.equal(page.url(), `${scene.url}/actions?status=failed`);
  });

  test('a link cannot lead away from here after signing in', async (t) => {
    const away = encodeURIComponent('//example.com/');
    const { page } = await open(t, `${scene.url}/sign-in?to=${away}`);
    await signIn(page, scene.account);
    await page.getByRole('navigation', { name: 'Areas' }).waitFor();
    assert.equal(page.url(), `${scene.url}/`);
  });

  test('signing out ends the session on the server, not just its cookie', async (t) => {
    const { page, context } = await openAt(t, '/actions');
    const [cookie] = await context.cookies(`${scene.url}/api`);
    const me = () =>
      fetch(`${scene.url}/api/users/me`, { headers: { cookie: `${cookie!.name}=${cookie!.value}` } });
    assert.equal((await me()).status, 200);
    await page.getByRole('button', { name: 'You' }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in to Hookline' }).waitFor();
    assert.equal((await me()).status, 401);
    assert.deepEqual(await context.cookies(`${scene.url}/api`), []);
  });

  test('a session that ends under an open page leads to signing in, and back', async (t) => {
    const { page, context } = await openAt(t, '/pipelines');
    await heading(page, 'Pipelines').waitFor();
    await context.clearCookies();
    // Asks the server.
    await page.keyboard.press('Control+k');
    await page.getByRole('heading', { name: 'Sign in to Hookline' }).waitFor();
    await signIn(page, scene.account);
    await heading(page, 'Pipelines').waitFor();
  });

  test('the palette finds any application, pipeline, hook, server and action by keyboard', async (t) => {
    const { page } = await openAt(t, '/settings');
    const cases = [
      ['blog', `/applications/${scene.applications.blog}`],
      ['nightly shop', `/pipelines/${scene.pipelines.nightly}`],
      ['pushes to', `/hooks/incoming/${scene.incoming.id}`],
      ['tell the chat', `/hooks/outgoing/${scene.outgoing.chat}`],
      ['web-1', `/servers/${scene.machine}`],
      [`action ${scene.actions.failed}`, `/actions/${scene.actions.failed}`],
      ['9999', '/actions/9999'],
      ['pipel', '/pipelines'],
    ] as const;
    for (const [text, path] of cases) {
      await page.keyboard.press('Control+k');
      await page.getByLabel('Find', { exact: true }).fill(text);
      await page.getByRole('dialog').locator('[data-selected]').waitFor();
      await page.keyboard.press('Enter');
      await page.waitForURL(scene.url + path).catch(() => undefined);
      assert.equal(pathOf(page), path, text);
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    }
  });

  test('the palette asks the server for what is not among the newest', async (t) => {
    const { api, environmentId } = scene;
    const create = (name: string) =>
      api.post<{ id: number }>(`/environments/${environmentId}/applications`, {
        name,
        repository: 'acme/one',
      });
    const first = await create('the first of many');
    await Promise.all(Array.from({ length: 100 }, (_, count) => create(`later ${count}`)));
    const { page } = await openAt(t, '/');
    await page.keyboard.press('Control+k');
    await page.getByLabel('Find', { exact: true }).fill('the first of');
    await page.getByRole('dialog').getByText('the first of many').click();
    await page.waitForURL(`${scene.url}/applications/${first.id}`);
  });

  test('the keys jump between areas, show themselves, and do nothing while one types', async (t) => {
    const { page } = await openAt(t, '/');
    for (const [keys, path] of [
      ['ga', '/actions'],
      ['gp', '/pipelines'],
      ['gh', '/hooks'],
      ['gl', '/applications'],
      ['gs', '/servers'],
      ['go', '/'],
    ] as const) {
      for (const key of keys) await page.keyboard.press(key);
      await page.waitForURL(scene.url + path);
      await page.locator('#content h1').waitFor();
    }
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.keyboard.press('Control+k');
    await page.getByLabel('Find', { exact: true }).pressSequentially('ga?');
    assert.equal(await page.getByLabel('Find', { exact: true }).inputValue(), 'ga?');
    assert.equal(pathOf(page), '/');
  });

  test('a slash goes to the search of the list, and else to that of everything', async (t) => {
    const { page } = await openAt(t, '/pipelines');
    await page.locator('#content h1').waitFor();
    await page.keyboard.press('/');
    const focused = () =>
      page.evaluate(() => Reflect.get(globalThis, 'document').activeElement?.tagName as string);
    await page.waitForFunction(() => Reflect.get(globalThis, 'document').activeElement?.tagName === 'INPUT');
    assert.equal(await focused(), 'INPUT');
  });

  test('the first key of a page skips to its content', async (t) => {
    const { page } = await openAt(t, '/actions');
    await heading(page, 'Actions').waitFor();
    await page.keyboard.press('Tab');
    await page.getByRole('link', { name: 'Skip to the content' }).press('Enter');
    assert.equal(await page.locator('#content').evaluate((element) => element.matches(':focus')), true);
    assert.equal(pathOf(page), '/actions');
  });

  test('the environment is chosen among those of many projects, and kept', async (t) => {
    const { api, organizationId } = scene;
    for (let count = 1; count <= 6; count++) {
      const project = await api.post<{ id: number }>(`/organizations/${organizationId}/projects`, {
        name: `Project ${count}`,
      });
      for (const type of ['production', 'staging'])
        await api.post(`/projects/${project.id}/environments`, { type, name: type });
    }
    const { page } = await openAt(t, '/');
    const switcher = page.getByRole('combobox', { name: 'Environment' });
    await switcher.fill('project 4');
    await page.getByRole('option', { name: 'Project 4 / staging' }).click();
    await page.reload();
    await page.waitForFunction(
      () =>
        Reflect.get(globalThis, 'document').querySelector('input[aria-label=Environment]')?.value ===
        'Project 4 / staging',
    );
  });

  test('the colours are kept, as the system has them or chosen', async (t) => {
    const { page } = await openAt(t, '/');
    const scheme = (name: string) => page.locator(`html[data-mantine-color-scheme=${name}]`).waitFor();
    await page.emulateMedia({ colorScheme: 'dark' });
    await scheme('dark');
    await page.getByRole('button', { name: 'Colours: as the system' }).click();
    await scheme('light');
    await page.reload();
    await scheme('light');
  });
});

describe('the real page below a path of a proxy', () => {
  const { open } = browserForTests();
  let database: TestDatabase;
  let app: InProcessApp;
  let proxy: PathProxy;
  before(async () => {
    database = await createTestDatabase('sqlite');
    const env = { HOOKLINE_ROLE: 'api', HOOKLINE_URL: 'http://example.com/hookline' };
    app = await startInProcessApp({ database, env });
    proxy = await startPathProxy(app.url, '/hookline');
  });
  after(async () => {
    await proxy?.stop();
    await app?.stop();
    await database?.drop();
  });

  test('signs in, goes from page to page, and asks nothing outside of its path', async (t) => {
    const application = await createApplication(app, { name: 'shop' });
    const pipeline = await createPipeline(app, application, ['true'], { name: 'Deploy' });
    const { page, context } = await open(t, `${proxy.url}/pipelines/${pipeline}`);
    const outside: string[] = [];
    context.on('request', (request) => {
      if (!request.url().startsWith(`${proxy.url}/`)) outside.push(request.url());
    });
    await signIn(page, { email: 'admin@example.com', password: 'correct-horse-battery' });
    await page.getByRole('navigation', { name: 'Areas' }).waitFor();
    assert.equal(page.url(), `${proxy.url}/pipelines/${pipeline}`);
    for (const key of 'ga') await page.keyboard.press(key);
    await page.waitForURL(`${proxy.url}/actions`);
    await page.reload();
    await page.locator('#content h1').waitFor();
    await page.keyboard.press('Control+k');
    await page.getByLabel('Find', { exact: true }).fill('shop');
    await page.getByRole('dialog').getByText('Application').first().click();
    await page.waitForURL(`${proxy.url}/applications/${application.id}`);
    const [cookie] = await context.cookies(`${proxy.url}/api`);
    assert.equal(cookie?.path, '/hookline/api');
    assert.deepEqual(outside, []);
  });

  test('its policy allows no script and no style but its own, and it needs no more', async (t) => {
    const { page } = await open(t, `${proxy.url}/sign-in`);
    const answer = await page.reload();
    const policy = answer?.headers()['content-security-policy'] ?? '';
    for (const directive of ["default-src 'none'", "script-src 'self'", "style-src-attr 'none'"])
      assert.ok(policy.split('; ').includes(directive), directive);
    assert.doesNotMatch(policy, /unsafe|\*|https?:/);
    // Any breach fails this test: a dialog, a menu, a tooltip and a notice all add styles.
    await signIn(page, { email: 'admin@example.com', password: 'wrong' });
    await page.getByRole('alert').waitFor();
    await signIn(page, { email: 'admin@example.com', password: 'correct-horse-battery' });
    await page.getByRole('button', { name: 'You' }).click();
    await page.getByRole('menuitem', { name: 'Keys' }).click();
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Find anything' }).hover();
    await page.getByRole('tooltip').waitFor();
    const isStyled = await page.evaluate(() => {
      const document = Reflect.get(globalThis, 'document');
      const element = document.createElement('p');
      element.setAttribute('data-tried', '');
      document.body.append(element);
      // What scripts set one by one is allowed, unlike the attribute as a whole.
      element.style.color = 'rgb(1, 2, 3)';
      return Reflect.get(globalThis, 'getComputedStyle')(element).color as string;
    });
    assert.equal(isStyled, 'rgb(1, 2, 3)');
  });
});
