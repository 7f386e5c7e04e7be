import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { createApp } from '../app.js';

const release = { commit: 'c0ffee', release: 'r1' };
const server = createApp(release);
let url;

before(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  url = `http://127.0.0.1:${server.address().port}`;
});
after(() => server.close().closeAllConnections());

test('the front page and the health check tell the commit and the release', async () => {
  for (const path of ['/', '/?from=somewhere', '/healthz']) {
    const response = await fetch(url + path);
    assert.equal(response.status, 200);
    const { commit, release: name } = await response.json();
    assert.deepEqual({ commit, release: name }, release);
  }
});

test('there is nothing else, and nothing to change', async () => {
  assert.equal((await fetch(`${url}/constructor`)).status, 404);
  assert.equal((await fetch(url, { method: 'POST' })).status, 405);
});
