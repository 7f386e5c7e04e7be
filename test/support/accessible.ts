import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { CDPSession, Page } from 'playwright-core';

/** What axe finds wrong: a rule, and the elements that break it. */
type Violation = { id: string; help: string; nodes: { target: string[]; html: string; summary: string }[] };

let source: string | undefined;
const axe = () => (source ??= readFileSync(fileURLToPath(import.meta.resolve('axe-core')), 'utf8'));

/** In which schemes a page is looked at, and for what: only its colours are others in the dark. */
const schemes = [
  { colorScheme: 'light', runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] } },
  { colorScheme: 'dark', runOnly: { type: 'rule', values: ['color-contrast', 'link-in-text-block'] } },
] as const;

/**
 * Fails when the page, as it is now, breaks WCAG 2.1 AA in light or dark. The checker runs in a world of its own,
 * to which the page's policy does not apply; the policy stays as it is.
 */
export async function expectAccessible(page: Page): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  try {
    const found: string[] = [];
    const run = await openChecker(devtools);
    for (const { colorScheme, runOnly } of schemes) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.locator(`html[data-mantine-color-scheme=${colorScheme}]`).waitFor();
      await untilDrawn(page);
      found.push(...(await violations(run, runOnly)).map((one) => `${colorScheme}: ${one}`));
    }
    assert.deepEqual(found, [], `${page.url()} is not accessible`);
  } finally {
    await page.emulateMedia({ colorScheme: null }).catch(() => undefined);
    await devtools.detach().catch(() => undefined);
  }
}

/** Fails when the page is wider than its window. */
export async function expectNoSidewaysScroll(page: Page): Promise<void> {
  const [whole, shown] = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = Reflect.get(globalThis, 'document').documentElement;
    return [scrollWidth, clientWidth] as [number, number];
  });
  assert.ok(whole <= shown, `${page.url()} is ${whole} px wide in a window of ${shown} px`);
}

/**
 * Every colour has changed over: without motion each change is still a transition, which begins and ends with a frame, and
 * may have another one begin.
 */
async function untilDrawn(page: Page): Promise<void> {
  await page.evaluate(async () => {
    type Transition = { constructor: { name: string }; finished: Promise<unknown> };
    const frame: (next: () => void) => void = Reflect.get(globalThis, 'requestAnimationFrame');
    const changing = (): Transition[] =>
      Reflect.get(globalThis, 'document')
        .getAnimations()
        .filter(({ constructor }: Transition) => constructor.name === 'CSSTransition');
    for (let still = 0; still < 3; still++) {
      await new Promise<void>((resolve) => frame(resolve));
      if (changing().length > 0) still = 0;
      await Promise.allSettled(changing().map(({ finished }) => finished));
    }
  });
}

type Run = (expression: string) => Promise<unknown>;

async function openChecker(devtools: CDPSession): Promise<Run> {
  const { frameTree } = await devtools.send('Page.getFrameTree');
  const { executionContextId: contextId } = await devtools.send('Page.createIsolatedWorld', {
    frameId: frameTree.frame.id,
    worldName: 'accessibility',
  });
  const run: Run = async (expression) => {
    const { result, exceptionDetails } = await devtools.send('Runtime.evaluate', {
      expression,
      contextId,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  };
  await run(`${axe()};undefined`);
  return run;
}

async function violations(run: Run, runOnly: object): Promise<string[]> {
  // Safe: the shape that the expression makes.
  const found = (await run(`axe.run(document, {
    runOnly: ${JSON.stringify(runOnly)},
    resultTypes: ['violations'],
    preload: false,
  }).then(({ violations }) => violations.map(({ id, help, nodes }) => ({
    id, help, nodes: nodes.map(({ target, html, failureSummary }) =>
      ({ target, html: html.slice(0, 200), summary: failureSummary })),
  })))`)) as Violation[];
  return found.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, html, summary }) => `${id} (${help}) at ${target.join(' ')}: ${html}\n${summary}`),
  );
}
