import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { startServer } from './support/server.ts';

const run = promisify(execFile);
const curlIfMissing = 'command -v curl >/dev/null || curl() { node test/support/curl.mjs "$@"; }';

test("the README's first hook works as printed, from sign-in to a run that got its variable", async () => {
  const readme = await readFile('README.md', 'utf8');
  const blocks = [...readme.matchAll(/<!-- test: first hook -->\s*```bash\n([\s\S]*?)```/g)].map(
    ([, block]) => block,
  );
  assert.equal(blocks.length, 5);
  const server = await startServer({ env: { HOOKLINE_ADMIN_EMAIL: 'admin@localhost' } });
  try {
    const script = blocks
      .join('\n')
      .replaceAll('http://localhost:8080', server.url)
      .replace('<password>', 'correct-horse-battery');
    const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', `${curlIfMissing}\n${script}`]);
    assert.match(stdout, /"message":"Accepted as action 1\."/);
    assert.match(stdout, /^Completed\.\ndeploying 4f2d1c9$/m);
  } finally {
    await server.stop();
  }
});
