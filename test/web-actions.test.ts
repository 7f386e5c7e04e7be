import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import SqliteDatabase from 'better-sqlite3';
import type { Page } from 'playwright-core';
import { browserForTests, type OpenPage } from './support/browser.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import {
  createApplication,
  createIncomingHook,
  createOutgoingHook,
  createPipeline,
  openWorkplace,
  sendSigned,
  untilAction,
  type TestAction,
  type TestApplication,
  type Workplace,
} from './support/fixtures.ts';
import { startReceiver, type Receiver } from './support/receiver.ts';
import { startServer } from './support/server.ts';

describe('the pages of actions', { timeout: 500_000 }, () => {
  const { openSignedIn } = browserForTests();
  const ends = new AsyncDisposableStack();
  after(() => ends.disposeAsync());
  let database: TestDatabase;
  let work: Workplace;
  let shop: TestApplication;
  let receiver: Receiver;
  let folder: string;
  let pid: number;

  before(async () => {
    database = ends.adopt(await createTestDatabase('sqlite'), (made) => made.drop());
    const server = ends.adopt(await startServer({ database }), (started) => started.stop());
    receiver = ends.adopt(await startReceiver(), (started) => started.close());
    folder = ends.adopt(await mkdtemp(join(tmpdir(), 'hookline-actions-')), (made) =>
      rm(made, { recursive: true, force: true }),
    );
    pid = server.pid;
    work = await openWorkplace(server);
    shop = await createApplication(work, { name: 'shop' });
  });

  /** A page of somebody who is signed in. */
  const openAt = async (t: TestContext, path: string): Promise<Page> => {
    const prepare = ({ page }: OpenPage) =>
      page.addInitScript(() => {
        const tasks: number[] = [];
        Reflect.set(globalThis, 'longTasks', tasks);
        new PerformanceObserver((list) => {
          for (const { duration } of list.getEntries()) tasks.push(duration);
        }).observe({ type: 'longtask' as 'function' });
      });
    return (await openSignedIn(t, work.url, path, { prepare })).page;
  };
  const start = async (pipeline: number): Promise<number> =>
    (await work.api.post<TestAction>(`/pipelines/${pipeline}/actions`, {})).id;
  const longTasks = (page: Page) => page.evaluate(() => Reflect.get(globalThis, 'longTasks') as number[]);
  const output = (page: Page) => page.getByRole('region', { name: /^Output of / });
  const status = (page: Page) => page.getByRole('region', { name: 'Status', exact: true });

  test('a failing deploy is found, explained and retried', async (t) => {
    const mended = join(folder, 'mended');
    const failing = `for i in {1..400}; do echo "module $i"; done; printf '\\e[1;31merror\\e[0m: no module <b>left-pad</b>\\n'; echo bye; exit 2`;
    const commands = ['echo ready', `[ -e ${mended} ] || { ${failing}; }`, 'echo switched'];
    const pipeline = await createPipeline(work, shop, commands, { name: 'Deploy the shop' });
    const hook = await createIncomingHook(work, pipeline, {
      name: 'push to main',
      settings: { variables: [{ name: 'branch', path: 'ref', required: true }] },
    });
    await createOutgoingHook(work, pipeline, receiver.url, { name: 'tell the chat' });
    const { body } = await sendSigned(work, hook, JSON.stringify({ ref: 'refs/heads/main' }));
    const failed = body.action_id!;
    await untilAction(work, failed);

    const page = await openAt(t, '/actions');
    await page.getByRole('combobox', { name: 'Status' }).click();
    await page.getByRole('option', { name: 'Failed' }).click();
    await page.waitForURL(/[?]status=failed$/);
    await page.getByRole('link', { name: 'Deploy shop' }).click();
    await page.waitForURL(`${work.url}/actions/${failed}`);
    await status(page).getByText('Step 2 on local exited with code 2.').waitFor();

    await status(page).getByRole('button', { name: 'error: no module <b>left-pad</b>' }).click();
    const line = output(page).locator('[data-line="401"][data-current]');
    assert.match(await line.innerText(), /error: no module <b>left-pad<\/b>/);
    assert.ok(await line.isVisible());
    assert.equal(new URL(page.url()).searchParams.get('line'), '401');

    const trigger = page.getByRole('region', { name: 'Started by' });
    assert.equal(
      await trigger.getByRole('link', { name: 'push to main' }).getAttribute('href'),
      `/hooks/incoming/${hook.id}`,
    );
    assert.equal(
      await trigger.getByRole('link', { name: /Headers/ }).getAttribute('href'),
      `/hook-requests/${body.hook_request_id}`,
    );
    await trigger.getByRole('row', { name: /branch refs\/heads\/main/ }).waitFor();
    const deliveries = page.getByRole('grid', { name: 'Deliveries' });
    await deliveries.getByRole('row', { name: /Delivered action.failed tell the chat/ }).waitFor();

    await writeFile(mended, '');
    await page.getByRole('button', { name: 'Retry' }).click();
    await status(page)
      .getByRole('link', { name: `action ${failed}` })
      .waitFor();
    await status(page).getByText('Completed', { exact: true }).waitFor();
    const again = Number(page.url().split('/').at(-1));
    assert.ok(again > failed);
    assert.equal((await work.api.get<TestAction>(`/actions/${again}`)).status, 'completed');
  });

  test('what a running step prints appears by itself, and so does its end', async (t) => {
    const go = join(folder, 'go');
    const command = `echo first; until [ -e ${go} ]; do sleep 0.05; done; echo second`;
    const id = await start(await createPipeline(work, shop, [command]));
    const page = await openAt(t, `/actions/${id}`);
    await output(page).getByText('first', { exact: true }).waitFor();
    await page.evaluate(() => Reflect.set(globalThis, 'isSame', true));
    await writeFile(go, '');
    await output(page).getByText('second').waitFor();
    await status(page).getByText('Completed', { exact: true }).waitFor();
    assert.equal(await page.evaluate(() => Reflect.get(globalThis, 'isSame')), true);
  });

  test('an action that waits tells for what, and one that runs is cancelled', async (t) => {
    const pipeline = await createPipeline(work, shop, ['sleep 300'], { max_parallel_actions: 1 });
    const running = await start(pipeline);
    await untilAction(work, running, ['in-progress']);
    const waiting = await start(pipeline);
    const page = await openAt(t, `/actions/${waiting}`);
    await status(page).getByText('Waiting: its pipeline runs at most 1 at the same time.').waitFor();
    await status(page)
      .getByRole('link', { name: `#${running}` })
      .click();
    await page.waitForURL(`${work.url}/actions/${running}`);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Cancel the action' }).click();
    await status(page)
      .getByText(/^Cancelled by /)
      .waitFor();
    assert.equal((await untilAction(work, running)).status, 'failed');
    await work.api.post(`/actions/${waiting}/cancel`, {});
  });

  test('a log of a million lines is opened, searched and scrolled without holding up the page', async (t) => {
    // What this machine takes for a page in any case.
    const small = await start(await createPipeline(work, shop, [`echo error: the end; exit 1`]));
    await untilAction(work, small);
    const before = await openAt(t, `/actions/${small}`);
    await status(before).getByRole('button', { name: 'error: the end' }).click();
    await output(before).locator('[data-line="1"][data-current]').waitFor();
    const usual = Math.max(0, ...(await longTasks(before)));
    await before.close();
    const command = `seq 1 999999; printf '\\e[31merror: the end\\e[0m\\n'; exit 1`;
    const id = await start(await createPipeline(work, shop, [command]));
    await untilAction(work, id);
    const page = await openAt(t, `/actions/${id}`);
    await status(page).getByRole('button', { name: 'error: the end' }).click();
    await output(page).locator('[data-line="1000000"][data-current]').waitFor();
    await page.getByRole('textbox', { name: 'Search the log' }).fill('777777');
    await page.getByText('1', { exact: true }).and(page.getByRole('status')).waitFor();
    await page.keyboard.press('Enter');
    await output(page).locator('[data-line="777777"] mark').waitFor();
    await output(page).focus();
    await page.keyboard.press('Home');
    await output(page).locator('[data-line="1"]').waitFor();
    const drawn = await output(page).locator('[data-line]').count();
    assert.ok(drawn < 100, `${drawn} lines are drawn`);
    const tasks = await longTasks(page);
    const said = `the longest task took ${Math.round(Math.max(0, ...tasks))} ms, of a small log ${Math.round(usual)} ms`;
    t.diagnostic(said);
    assert.ok(Math.max(0, ...tasks) < usual + 150, said);
  });

  test('100,000 actions are filtered in less than 200 ms, and scrolled', async (t) => {
    const template = await start(await createPipeline(work, shop, ['true']));
    await untilAction(work, template);
    fillActions(join(database.env['HOOKLINE_DATA']!, 'hookline.db'), template);
    const list = `/environments/${work.environmentId}/actions?per_page=100`;
    for (const query of [
      '',
      '&page=990',
      '&status=failed&page=140',
      '&status=queued',
      `&resource_type=application&resource_id=${shop.id}&trigger_type=manual`,
      '&search=no such thing',
      '&created_from=2026-01-01T00:00:00Z&created_to=2026-01-02T00:00:00Z',
    ]) {
      // The time of the processor: the machine does other things besides.
      const begun = await processorMs(pid);
      for (let turn = 0; turn < 3; turn++) await work.api.get(list + query);
      const each = ((await processorMs(pid)) - begun) / 3;
      assert.ok(each < 200, `${query} took ${each} ms`);
    }
    const page = await openAt(t, '/actions?status=failed');
    const rows = page.getByRole('grid', { name: 'Actions' }).getByRole('row');
    await rows.nth(10).waitFor();
    for (let turn = 1; turn <= 5; turn++) {
      await page.mouse.wheel(0, 100_000);
      await page.locator(`[aria-rowindex="${turn * 100 + 5}"]`).waitFor({ state: 'attached' });
    }
    assert.ok((await rows.count()) < 100);
  });
});

/** What a process has had of the processor so far. */
async function processorMs(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** As many actions like one that there is, one in seven failed. */
function fillActions(file: string, like: number): void {
  const db = new SqliteDatabase(file);
  try {
    const { id: _, ...row } = db.prepare('select * from actions where id = ?').get(like) as { id: number };
    const columns = Object.keys(row);
    const insert = db.prepare(
      `insert into actions (${columns.join(', ')}) values (${columns.map((name) => `@${name}`).join(', ')})`,
    );
    db.transaction(() => {
      for (let count = 0; count < 100_000; count++)
        insert.run({ ...row, status: count % 7 === 0 ? 'failed' : 'completed' });
    })();
  } finally {
    db.close();
  }
}
