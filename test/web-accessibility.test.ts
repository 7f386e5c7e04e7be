import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { after, before, test, type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { expectAccessible, expectNoSidewaysScroll } from './support/accessible.ts';
import { browserForTests, untilShown } from './support/browser.ts';
import { openWebScene, type WebScene } from './support/web-scene.ts';

const { openSignedIn } = browserForTests();
let scene: WebScene;
before(async () => {
  scene = await openWebScene();
});
after(async () => {
  await scene?.[Symbol.asyncDispose]();
});

/** What stands in the place of each variable of an address. */
const values: Record<string, () => string | number> = {
  actionId: () => scene.actions.failed,
  pipelineId: () => scene.pipelines.deploy,
  'hooks/incoming/$hookId': () => scene.incoming.id,
  'hooks/outgoing/$hookId': () => scene.outgoing.chat,
  'hooks/outgoing/$hookId/deliveries/$deliveryId': () => scene.outgoing.chat,
  requestId: () => scene.requests.refused,
  deliveryId: () => scene.delivery,
  applicationId: () => scene.applications.shop,
  serverId: () => scene.machine,
  teamId: () => scene.teamId,
};

const phone = { width: 390, height: 844 };

/** Every address that the router knows, as it stands in the source: a new page cannot be forgotten. */
const routes = globSync('web/src/pages/**/index.ts').flatMap((file) => {
  const source = readFileSync(file, 'utf8');
  const below = /path: '(settings)',/.exec(source)?.[1];
  return [...source.matchAll(/path: '([^']*)'/g)].map(([, path = '']) => {
    if (below === undefined || path === below) return path;
    return path === '/' ? below : `${below}/${path}`;
  });
});

function addressOf(route: string): string {
  const path = route.replaceAll(/\$(\w+)/g, (_, name: string) => {
    const value = values[name] ?? values[route];
    assert.ok(value, `a value for $${name} of ${route}`);
    return String(value());
  });
  return `/${path.replace(/^\//, '')}`;
}

async function openAt(t: TestContext, path: string): Promise<Page> {
  return (await openSignedIn(t, scene.url, path, { account: scene.account })).page;
}

test('there are the routes that the guide tells of', () => {
  assert.ok(routes.length >= 17, routes.join(' '));
});

for (const route of new Set(routes)) {
  test(`/${route.replace(/^\//, '')} can be used by everybody, in light and dark, and on a phone`, async (t) => {
    const page = await openAt(t, addressOf(route));
    await expectAccessible(page);
    await page.setViewportSize(phone);
    await page.reload();
    await untilShown(page);
    await expectNoSidewaysScroll(page);
    await expectAccessible(page);
  });
}

test('the navigation, the palette, the keys and the menu too', async (t) => {
  const page = await openAt(t, '/actions');
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor();
  await expectAccessible(page);
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.keyboard.press('Control+k');
  await page.getByLabel('Find', { exact: true }).fill('shop');
  await page.getByText('Deploy', { exact: true }).first().waitFor();
  await expectAccessible(page);
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'You' }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).waitFor();
  await expectAccessible(page);
});
