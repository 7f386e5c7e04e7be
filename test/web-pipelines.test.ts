import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { browserForTests, untilShown } from './support/browser.ts';
import { createApplication, createPipeline, openWorkplace, untilAction } from './support/fixtures.ts';
import type { TestApplication, Workplace } from './support/fixtures.ts';
import { startServer } from './support/server.ts';

type Stored = {
  name: string;
  max_parallel_actions: number;
  steps: { name: string | null; command: string; is_default_step: boolean; after_activation: boolean }[];
};

describe('the pages of pipelines', { timeout: 500_000 }, () => {
  const { openSignedIn } = browserForTests();
  const ends = new AsyncDisposableStack();
  after(() => ends.disposeAsync());
  let work: Workplace;
  let shop: TestApplication;

  before(async () => {
    const server = ends.adopt(await startServer(), (started) => started.stop());
    work = await openWorkplace(server);
    shop = await createApplication(work, { name: 'shop' });
  });

  async function openAt(t: TestContext, path: string): Promise<Page> {
    return (await openSignedIn(t, work.url, path)).page;
  }
  const stored = (id: number) => work.api.get<Stored>(`/pipelines/${id}`);
  const namesOf = async (id: number) =>
    (await stored(id)).steps.filter((step) => !step.is_default_step).map(({ name }) => name);
  const handle = (page: Page, name: string) =>
    page.getByRole('button', { name: new RegExp(`^Move ${name}, step`) });
  const save = async (page: Page) => {
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('Saved. The next run goes by it.').first().waitFor();
    await page.getByRole('region', { name: 'Unsaved changes' }).waitFor({ state: 'detached' });
  };

  test('a pipeline is written, re-ordered by keyboard, saved, and run with inputs; its run is in the history', async (t) => {
    const page = await openAt(t, '/pipelines');
    await page.getByRole('link', { name: 'New pipeline' }).first().click();
    // The list that is left has a field for a name too.
    await page.getByRole('heading', { name: 'New pipeline' }).waitFor();
    await page.getByRole('textbox', { name: 'Name' }).fill('Nightly');
    await page.getByRole('switch', { name: 'Make releases' }).uncheck();
    await page.getByRole('textbox', { name: 'First step' }).fill('echo build');
    await page.getByRole('button', { name: 'Create the pipeline' }).click();
    await page.getByRole('heading', { name: 'Nightly' }).waitFor();
    const id = Number(/\/pipelines\/(\d+)/.exec(page.url())?.[1]);
    assert.equal(await page.title(), `Nightly ${id} · Hookline`);

    // The focus is on the name of a new step.
    await page.getByRole('button', { name: 'Add a step' }).click();
    await page.keyboard.type('Greet');
    await page
      .getByRole('textbox', { name: 'Script' })
      .fill('echo "hello $HOOKLINE_VAR_WHOM, $HOOKLINE_SOURCE_TYPE $HOOKLINE_SOURCE_REF"');
    assert.deepEqual(await page.locator('[data-token="string"]').allTextContents(), [
      '"hello $HOOKLINE_VAR_WHOM, $HOOKLINE_SOURCE_TYPE $HOOKLINE_SOURCE_REF"',
    ]);
    await handle(page, 'Greet').focus();
    await page.keyboard.press('ArrowUp');
    await page.getByText('Greet is step 1 of 2 of yours.').waitFor({ state: 'attached' });
    assert.ok(await handle(page, 'Greet').evaluate((element) => element.matches(':focus')));
    await page.keyboard.press('Control+s');
    await page.getByText('Saved. The next run goes by it.').waitFor();
    assert.deepEqual(
      (await stored(id)).steps.map(({ command }) => command.slice(0, 10)),
      ['echo "hell', 'echo build'],
    );

    await page.getByRole('button', { name: 'Run now' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('combobox', { name: 'Source' }).click();
    await page.getByRole('option', { name: 'A tag' }).click();
    await dialog.getByRole('textbox', { name: 'Tag' }).fill('v1.2.0');
    await dialog.getByRole('button', { name: 'Add a variable' }).click();
    await dialog.getByRole('textbox', { name: 'Name of variable 1' }).fill('whom');
    await dialog.getByRole('textbox', { name: 'Value of variable 1' }).fill('Grace');
    await dialog.getByRole('textbox', { name: 'Why' }).fill('to see it');
    await dialog.getByRole('button', { name: 'Run', exact: true }).click();
    await page.waitForURL(/\/actions\/\d+$/);
    const actionId = Number(/\/actions\/(\d+)/.exec(page.url())?.[1]);
    assert.equal((await untilAction(work, actionId)).status, 'completed');
    assert.match(await work.api.get<string>(`/actions/${actionId}/logs`), /hello Grace, tag v1\.2\.0/);

    await untilShown(page);
    await page.goto(`${work.url}/pipelines/${id}?tab=runs`);
    const row = page.getByRole('grid', { name: 'Runs' }).getByRole('row').nth(1);
    await row.getByText('Completed').waitFor();
    assert.match(await row.innerText(), new RegExp(`#${actionId}[\\s\\S]*to see it[\\s\\S]*Administrator`));
    await page.getByRole('img', { name: /How long the run took/ }).waitFor();
    await page.getByText('100 %').waitFor();
  });

  test('default steps stand around those of one’s own; a step moves across the activation, and goes only once saved', async (t) => {
    const steps = [
      { name: 'Test', command: 'true' },
      { name: 'Warm up', command: 'true' },
    ];
    const id = await createPipeline(work, shop, [], { name: 'Deploy', default_steps: true, steps });
    const page = await openAt(t, `/pipelines/${id}`);
    const shown = () => page.getByRole('listitem').allInnerTexts();
    await page.getByText('Activate the release').waitFor();
    assert.match(
      (await shown()).join('\n'),
      /Fetch the source[\s\S]*Test[\s\S]*Warm up[\s\S]*Activate[\s\S]*Remove old/,
    );
    assert.equal(await page.getByRole('button', { name: /Remove Fetch|Move Fetch/ }).count(), 0);

    await handle(page, 'Warm up').press('ArrowDown');
    await page
      .getByText('Warm up is step 2 of 2 of yours, once the release is live.')
      .waitFor({ state: 'attached' });
    await page.getByRole('button', { name: 'Remove Test' }).click();
    await page.getByText('Test is removed when you save.').waitFor();
    await page.getByRole('button', { name: 'Put it back' }).click();
    await handle(page, 'Test').dragTo(handle(page, 'Warm up'), { targetPosition: { x: 10, y: 26 } });
    await save(page);
    const after = (await stored(id)).steps.filter((step) => !step.is_default_step);
    assert.deepEqual(
      after.map(({ name, after_activation }) => [name, after_activation]),
      [
        ['Warm up', true],
        ['Test', true],
      ],
    );

    await page.getByRole('button', { name: 'Remove Test' }).click();
    assert.deepEqual(await namesOf(id), ['Warm up', 'Test']);
    await save(page);
    assert.deepEqual(await namesOf(id), ['Warm up']);
  });

  test('what is not saved is not lost without a word: by leaving, or by somebody who saved meanwhile', async (t) => {
    const id = await createPipeline(work, shop, ['echo mine'], { name: 'Guarded' });
    const page = await openAt(t, `/pipelines/${id}?tab=options`);
    const limit = page.getByRole('textbox', { name: 'Runs at the same time' });
    await limit.fill('3');
    await page.getByRole('tab', { name: 'Steps' }).click();
    await page.getByRole('link', { name: 'Servers' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Stay here' }).click();
    assert.equal(new URL(page.url()).pathname, `/pipelines/${id}`);

    await work.api.put(`/pipelines/${id}`, { name: 'Renamed' });
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('Somebody has changed this pipeline since you began').waitFor();
    const { name, max_parallel_actions } = await stored(id);
    assert.deepEqual({ name, max_parallel_actions }, { name: 'Renamed', max_parallel_actions: 0 });
    await page.getByRole('button', { name: 'Show theirs, and lose mine' }).click();
    await page.getByRole('heading', { name: 'Renamed' }).waitFor();
    await page.getByRole('region', { name: 'Unsaved changes' }).waitFor({ state: 'detached' });

    await page.getByRole('tab', { name: 'Options' }).click();
    await limit.fill('2');
    await page.getByRole('link', { name: 'Servers' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Leave and lose it' }).click();
    await page.waitForURL(/\/servers$/);
    assert.equal((await stored(id)).max_parallel_actions, 0);
  });

  test('a pipeline is deleted only by its name, and then its page says that it is gone', async (t) => {
    const id = await createPipeline(work, shop, ['true'], { name: 'Old' });
    const page = await openAt(t, `/pipelines/${id}?tab=options`);
    await page.getByRole('button', { name: 'Delete the pipeline' }).click();
    const dialog = page.getByRole('dialog');
    const confirm = dialog.getByRole('button', { name: 'Delete' });
    assert.ok(await confirm.isDisabled());
    await dialog.getByRole('textbox').fill('Old');
    await confirm.click();
    await page.waitForURL(/\/pipelines$/);
    await untilShown(page);
    await page.goto(`${work.url}/pipelines/${id}`);
    await page.getByRole('alert').waitFor();
    assert.match(await page.getByRole('alert').innerText(), new RegExp(`There is no pipeline ${id}`));
  });
});
