import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import type { Browser, Page } from 'playwright-core';
import { createApiClient, login } from '../test/support/api-client.ts';
import { startBrowser } from '../test/support/browser.ts';
import { loadPage, mostScriptBytes } from '../test/support/web-load.ts';
import { sessionCookie } from '../test/support/web-scene.ts';
import { createHook, startHookline } from './serve.ts';

/*
 * The dashboard in a headless browser on this machine: how much script its first page loads (above 250 kB this ends with
 * 1), how long until it can be used, and how long a list of many actions takes to filter and to scroll on.
 *
 *   node bench/web.ts [--actions 100000] [--rounds 5]
 */

const option = (name: string, otherwise: number) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
};
const actions = option('--actions', 100_000);
const rounds = option('--rounds', 5);
const account = { email: 'admin@localhost', password: 'bench-password' };

const data = await mkdtemp(join(tmpdir(), 'hookline-bench-'));
const server = await startHookline(data);
const browser = await startBrowser();
try {
  const loads = [];
  for (let round = 0; round < rounds; round++) {
    const page = await newPage(browser);
    loads.push(await loadPage(page, `${server.url}/`));
    await page.context().close();
  }
  const { scriptBytes, scripts } = loads[0]!;
  console.log(`first page: ${(scriptBytes / 1000).toFixed(1)} kB of script in ${scripts.length} files`);
  console.log(`usable after: ${summary(loads.map(({ usableMs }) => usableMs))}, nothing cached`);
  if (scriptBytes > mostScriptBytes) process.exitCode = 1;

  await fill(actions);
  const page = await newPage(browser);
  await page.goto(`${server.url}/actions`);
  await page.locator('[data-index]').first().waitFor();
  const filters: number[] = [];
  const scrolls: number[] = [];
  for (let round = 0; round < rounds; round++) {
    filters.push(await timeFilter(page, '?status=failed', 'failed'));
    filters.push(await timeFilter(page, '', 'completed'));
  }
  for (let count = 0; count < rounds * 4; count++) scrolls.push(await timeScroll(page));
  console.log(`${actions} actions, filtered:  ${summary(filters)}`);
  console.log(`${actions} actions, read on by scrolling to the end:  ${summary(scrolls)}`);
} finally {
  await browser.close();
  await server.stop();
  await rm(data, { recursive: true, force: true });
}

async function newPage(from: Browser): Promise<Page> {
  const context = await from.newContext({ viewport: { width: 1280, height: 800 } });
  await context.addCookies([await sessionCookie(server.url, account)]);
  return await context.newPage();
}

/** One real action, copied; a tenth of them has failed. */
async function fill(rows: number): Promise<void> {
  await createHook(server.url, 'secret-of-the-bench-for-hmac');
  const { access_token } = await login(server.url, account.email, account.password);
  const api = createApiClient(server.url, access_token);
  const [pipeline] = await api.get<{ id: number }[]>('/pipelines/application/1');
  await api.post(`/pipelines/${pipeline!.id}/actions`, {});
  const database = new SqliteDatabase(join(data, 'hookline.db'), { timeout: 5000 });
  const columns = (database.pragma('table_info(actions)') as { name: string }[])
    .map(({ name }) => name)
    .filter((name) => !['id', 'status', 'created_at'].includes(name))
    .join(', ');
  database.exec(`with recursive n(i) as (select 1 union all select i + 1 from n where i < ${rows})
    insert into actions (status, created_at, ${columns})
    select iif(i % 10 = 0, 'failed', 'completed'), created_at + i, ${columns}
    from n cross join (select * from actions limit 1)`);
  database.close();
}

/** Goes to another filter within the page, until rows of that status stand there. */
async function timeFilter(page: Page, search: string, status: string): Promise<number> {
  return Number(
    await page.evaluate(`(async () => {
      const startedAt = performance.now();
      history.pushState({}, '', new URL('actions${search}', document.baseURI));
      for (;;) {
        await new Promise(requestAnimationFrame);
        const rows = [...document.querySelectorAll('[data-index]')].slice(0, 8);
        const found = rows.map((row) => row.querySelector('[data-status]')?.dataset.status);
        if (rows.length === 8 && found.includes('${status}') && (${search === ''} || found.every((one) => one === '${status}'))
          && (${search !== ''} || !found.every((one) => one === 'failed'))) break;
        if (performance.now() - startedAt > 30000) throw new Error('not filtered: ' + found);
      }
      return performance.now() - startedAt;
    })()`),
  );
}

/** Scrolls to the end of what is there, until more has been read and drawn. */
async function timeScroll(page: Page): Promise<number> {
  return Number(
    await page.evaluate(`(async () => {
      const last = () => Math.max(...[...document.querySelectorAll('[data-index]')].map((row) => +row.dataset.index));
      const height = document.documentElement.scrollHeight;
      const startedAt = performance.now();
      window.scrollTo(0, height);
      const before = last();
      for (;;) {
        await new Promise(requestAnimationFrame);
        if (document.documentElement.scrollHeight > height && last() > before) break;
        if (performance.now() - startedAt > 30000) throw new Error('nothing more to scroll to');
      }
      return performance.now() - startedAt;
    })()`),
  );
}

function summary(times: number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part: number) =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0).toFixed(0);
  return `median ${at(0.5)} ms, slowest ${at(1)} ms of ${times.length}`;
}
