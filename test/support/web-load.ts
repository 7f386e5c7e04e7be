import type { Page } from 'playwright-core';
import { untilShown } from './browser.ts';

export type PageLoad = {
  /** Of all scripts that the page has loaded, as they came over the wire. */
  scriptBytes: number;
  scripts: { name: string; bytes: number }[];
  /** From asking for the page until its heading stands and nothing is being read any more. */
  usableMs: number;
};

/** The most that the first page may load, by the promise of the dashboard: 250 kB. */
export const mostScriptBytes = 250_000;

/** Opens an address and measures what came, and how long that took. */
export async function loadPage(page: Page, url: string): Promise<PageLoad> {
  const scripts: PageLoad['scripts'] = [];
  page.on('response', (response) => {
    if (response.request().resourceType() !== 'script') return;
    const bytes = Number(response.headers()['content-length'] ?? Number.NaN);
    scripts.push({ name: new URL(response.url()).pathname, bytes });
  });
  const startedAt = performance.now();
  await page.goto(url, { waitUntil: 'commit' });
  await untilShown(page);
  const usableMs = performance.now() - startedAt;
  // What the page loads afterwards, such as the palette, counts too.
  await page.waitForLoadState('networkidle');
  return { scriptBytes: scripts.reduce((sum, { bytes }) => sum + bytes, 0), scripts, usableMs };
}
