import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browserForTests } from './support/browser.ts';
import { createTestDatabase } from './support/database.ts';
import { startInProcessApp } from './support/in-process-app.ts';
import { loadPage, mostScriptBytes } from './support/web-load.ts';
import { sessionCookie } from './support/web-scene.ts';

const { open } = browserForTests();

test('the first page needs less than 250 kB of compressed script', async (t) => {
  const database = await createTestDatabase('sqlite');
  t.after(() => database.drop());
  const app = await startInProcessApp({ database, env: { HOOKLINE_ROLE: 'api' } });
  t.after(() => app.stop());
  const account = { email: 'admin@example.com', password: 'correct-horse-battery' };
  const { context } = await open(t, `${app.url}/sign-in`);
  await context.addCookies([await sessionCookie(app.url, account)]);
  const page = await context.newPage();
  const { scriptBytes, scripts } = await loadPage(page, `${app.url}/`);
  t.diagnostic(`${scriptBytes} bytes in ${scripts.length} files`);
  assert.ok(scripts.length > 0);
  assert.ok(scriptBytes < mostScriptBytes, JSON.stringify(scripts, null, 1));
});
