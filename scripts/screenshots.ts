import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { BrowserContext, Page } from 'playwright-core';
import { startBrowser } from '../test/support/browser.ts';
import { openWebScene, sessionCookie, type WebScene } from '../test/support/web-scene.ts';

/*
 * Pictures of every page of the dashboard for the guides, into docs/images: of a real server whose runs, requests and
 * deliveries are real. All are of a desktop in light; `--all` takes them on a phone and in dark as well.
 */

const { values: options } = parseArgs({
  options: {
    all: { type: 'boolean', default: false },
    only: { type: 'string' },
    into: { type: 'string', default: 'docs/images' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  console.log(`npm run screenshots [-- --all] [--only action] [--into docs/images]

  --all   each page on desktop and phone, in light and dark; else the set that the guides show
  --only  those pages alone whose name holds this`);
  process.exit();
}

type Device = 'desktop' | 'phone';
type Scheme = 'light' | 'dark';
type Shot = {
  name: string;
  path: string;
  /** Without a session. */
  isPublic?: boolean;
  /** What to do before the picture is taken. */
  act?: (page: Page) => Promise<void>;
  /** Beside the desktop in light, what the guides show. */
  also?: `${Device}-${Scheme}`[];
};

const sizes: Record<Device, { width: number; height: number }> = {
  desktop: { width: 1280, height: 800 },
  phone: { width: 390, height: 844 },
};
/** No picture weighs more; it is made coarser until it does not. */
const mostBytes = 60_000;

await using scene = await openWebScene();
const browser = await startBrowser();
let failed = 0;
try {
  await mkdir(options.into, { recursive: true });
  for (const shot of shotsOf(scene)) {
    if (options.only && !shot.name.includes(options.only)) continue;
    for (const device of ['desktop', 'phone'] as const) {
      for (const scheme of ['light', 'dark'] as const) {
        const kind = `${device}-${scheme}` as const;
        if (kind === 'desktop-light' || options.all || shot.also?.includes(kind))
          await take(shot, device, scheme);
      }
    }
  }
} finally {
  await browser.close();
}
process.exitCode = failed > 0 ? 1 : 0;

function shotsOf({ actions, pipelines, incoming, outgoing, requests, delivery, ...rest }: WebScene): Shot[] {
  const find = async (page: Page) => {
    await page.keyboard.press('Control+k');
    await page.getByLabel('Find', { exact: true }).fill('shop');
    await page.locator('[data-selected]').waitFor();
  };
  return [
    { name: 'sign-in', path: '/sign-in', isPublic: true },
    { name: 'overview', path: '/', also: ['desktop-dark', 'phone-light'] },
    { name: 'first-steps', path: '/first-steps' },
    { name: 'actions', path: '/actions', also: ['phone-dark'] },
    { name: 'action-failed', path: `/actions/${actions.failed}`, also: ['desktop-dark', 'phone-light'] },
    { name: 'action-completed', path: `/actions/${actions.completed}` },
    { name: 'action-running', path: `/actions/${actions.running}` },
    { name: 'pipelines', path: '/pipelines' },
    { name: 'pipeline', path: `/pipelines/${pipelines.deploy}` },
    { name: 'hooks', path: '/hooks' },
    { name: 'hook-incoming', path: `/hooks/incoming/${incoming.id}` },
    { name: 'hook-request', path: `/hook-requests/${requests.refused}` },
    { name: 'hook-outgoing', path: `/hooks/outgoing/${outgoing.chat}` },
    { name: 'delivery', path: `/hooks/outgoing/${outgoing.chat}/deliveries/${delivery}` },
    { name: 'applications', path: '/applications' },
    { name: 'application', path: `/applications/${rest.applications.shop}` },
    { name: 'servers', path: '/servers' },
    { name: 'server', path: `/servers/${rest.machine}` },
    { name: 'settings', path: '/settings' },
    { name: 'palette', path: '/actions', act: find, also: ['desktop-dark'] },
  ];
}

async function take(shot: Shot, device: Device, scheme: Scheme): Promise<void> {
  const name = `${shot.name}-${device}-${scheme}`;
  const context = await browser.newContext({
    viewport: sizes[device],
    colorScheme: scheme,
    reducedMotion: 'reduce',
    ...(device === 'phone' ? { hasTouch: true, isMobile: true } : {}),
  });
  try {
    if (!shot.isPublic) await context.addCookies([await sessionCookie(scene.url, scene.account)]);
    const page = await context.newPage();
    await page.goto(scene.url + shot.path);
    await page.locator('h1').first().waitFor();
    await page.locator('.mantine-Skeleton-root, [aria-busy=true]').first().waitFor({ state: 'detached' });
    await shot.act?.(page);
    const { bytes, quality } = await picture(context, page);
    const file = join(options.into, `${name}.webp`);
    await writeFile(file, bytes);
    console.log(`${file}  ${(bytes.length / 1000).toFixed(1)} kB, quality ${quality}`);
  } catch (error) {
    failed++;
    console.error(`${name}: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    await context.close();
  }
}

/** As WebP, which the browser itself can write. */
async function picture(context: BrowserContext, page: Page): Promise<{ bytes: Buffer; quality: number }> {
  const devtools = await context.newCDPSession(page);
  for (let quality = 80; ; quality -= 20) {
    const { data } = await devtools.send('Page.captureScreenshot', { format: 'webp', quality });
    const bytes = Buffer.from(data, 'base64');
    if (bytes.length <= mostBytes || quality <= 20) return { bytes, quality };
  }
}
