import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { startGitServer } from './support/git-server.ts';
import type { TestGitServer } from './support/git-server.ts';
import { runGit } from './support/run-git.ts';

let server: TestGitServer;
let folder: string;

before(async () => {
  server = await startGitServer();
});
beforeEach(async (t) => {
  const own = await mkdtemp(join(tmpdir(), 'hookline-git-client-'));
  folder = own;
  if ('after' in t) t.after(() => rm(own, { recursive: true }));
});
after(() => server.stop());

const git = (...args: string[]) => runGit(folder, ...args);
const subjects = (ref: string) => git('log', '--format=%s', ref);

/** The address with a user and a password. */
const withToken = (url: string, user: string, password: string) =>
  url.replace('://', `://${user}:${password}@`);

test('a clone has the files, the commits and the tags that were made', async () => {
  const repository = await server.createRepository('acme/clone', { 'src/app.js': 'one', 'old.txt': 'old' });
  const hash = await repository.commit(
    { 'src/app.js': 'two', 'old.txt': null, 'bin/start': '#!/bin/sh\n' },
    { message: 'Second commit', author: 'Grace', executable: ['bin/start'] },
  );
  const feature = await repository.commit(
    { 'feature.txt': 'new' },
    { branch: 'feature/a', message: 'A feature' },
  );
  await repository.tag('v1');
  await repository.tag('v2', feature, { message: 'Release 2' });

  await git('clone', '--quiet', server.cloneUrl('acme/clone'), '.');
  assert.equal(await git('symbolic-ref', '--short', 'HEAD'), 'main');
  assert.equal(await git('rev-parse', 'HEAD', 'v1', 'v2^{commit}'), [hash, hash, feature].join('\n'));
  assert.equal(await git('cat-file', '-t', 'v2'), 'tag');
  assert.equal(await subjects('origin/feature/a'), 'A feature\nSecond commit\nFirst commit');
  assert.equal(await git('log', '-1', '--format=%an <%ae>'), 'Grace <ada@example.com>');
  assert.equal(await readFile(join(folder, 'src/app.js'), 'utf8'), 'two');
  assert.equal(existsSync(join(folder, 'old.txt')), false);
  assert.equal((await stat(join(folder, 'bin/start'))).mode & 0o111, 0o111);
});

test('any commit can be fetched by its full hash, also one that a forced push has left behind', async () => {
  const repository = await server.createRepository('acme/rewritten');
  const first = await repository.commit({ a: '1' }, { message: 'Kept' });
  const left = await repository.commit({ a: '2' }, { message: 'Left behind' });
  await repository.reset('main', first);

  await git('init', '--quiet');
  const url = server.cloneUrl('acme/rewritten');
  assert.equal(await git('ls-remote', url, 'refs/heads/main'), `${first}\trefs/heads/main`);
  await git('fetch', '--quiet', '--depth=1', url, left);
  assert.equal(await subjects('FETCH_HEAD'), 'Left behind');
  await assert.rejects(git('fetch', '--quiet', '--depth=1', url, 'f'.repeat(40)), /not our ref/);

  await repository.commit({ a: '3' }, { message: 'After it' });
  await git('fetch', '--quiet', url, 'main');
  assert.equal(await subjects('FETCH_HEAD'), 'After it\nKept\nFirst commit');
});

test('a token is asked for, refused when wrong and taken from any user', async (t) => {
  await server.createRepository('acme/private');
  const url = server.cloneUrl('acme/private');
  server.requireToken('s3cret');
  t.after(() => server.requireToken(null));

  const since = server.requests.length;
  await assert.rejects(git('ls-remote', url), /could not read Username/);
  await assert.rejects(git('ls-remote', withToken(url, 'ada', 'wrong')), /Authentication failed/);
  await git('clone', '--quiet', withToken(url, 'x-access-token', 's3cret'), '.');
  assert.equal(await subjects('HEAD'), 'First commit');

  const asked = { method: 'GET', path: '/acme/private.git/info/refs?service=git-upload-pack' };
  const seen = server.requests.slice(since);
  assert.deepEqual(seen[0], { ...asked, user: null, password: null });
  assert.deepEqual(
    seen.map(({ method, user, password }) => [method, user, password]).filter(([, user]) => user !== null),
    [
      ['GET', 'ada', 'wrong'],
      ['GET', 'x-access-token', 's3cret'],
      ['POST', 'x-access-token', 's3cret'],
      ['POST', 'x-access-token', 's3cret'],
    ],
  );

  server.requireToken(null);
  await git('ls-remote', url);
});

test('a submodule is fetched, with an address of its own or one beside it', async () => {
  const library = await server.createRepository('acme/library', { 'index.js': 'library' });
  const repository = await server.createRepository('acme/with-library');
  await repository.addSubmodule('vendor/absolute', server.cloneUrl('acme/library'));
  await repository.addSubmodule('vendor/relative', '../library.git', { message: 'Beside it' });
  await library.commit({ 'index.js': 'newer' });
  await repository.commit({ 'later.txt': '' });

  await git('clone', '--quiet', '--recurse-submodules', server.cloneUrl('acme/with-library'), '.');
  assert.equal(await subjects('HEAD'), 'A change\nBeside it\nAdd vendor/absolute\nFirst commit');
  for (const name of ['absolute', 'relative'])
    assert.equal(await readFile(join(folder, 'vendor', name, 'index.js'), 'utf8'), 'library');
});

test('an address that git refuses can be committed as a submodule', async () => {
  const repository = await server.createRepository('acme/hostile');
  await repository.addSubmodule('evil', 'ext::sh -c touch% pwned');
  await assert.rejects(
    git('clone', '--quiet', '--recurse-submodules', server.cloneUrl('acme/hostile'), '.'),
    /transport 'ext' not allowed/,
  );
});

test('what was put into the working copy is committed, too', async () => {
  const repository = await server.createRepository('acme/link', { run: '' }, { executable: ['run'] });
  await symlink('/etc/passwd', join(repository.folder, 'link'));
  await repository.commit({});
  await git('clone', '--quiet', server.cloneUrl('acme/link'), '.');
  assert.match(await git('ls-tree', 'HEAD', 'link'), /^120000 /);
  assert.match(await git('ls-tree', 'HEAD', 'run'), /^100755 /);
});

test('a long request, which git packs, is understood', async () => {
  const repository = await server.createRepository('acme/long');
  for (let tag = 0; tag < 20; tag++) await repository.tag(`v${tag}`, await repository.commit({}));
  await git('clone', '--quiet', server.cloneUrl('acme/long'), '.');
  await repository.commit({}, { message: 'The newest' });
  // The hashes that are there already make the request longer than the 1 KiB from which on it is packed.
  await git('-c', 'protocol.version=0', 'fetch', '--quiet', 'origin', 'main');
  assert.equal((await subjects('FETCH_HEAD')).split('\n')[0], 'The newest');
});

test('a repository that is not there is not found, and nothing can be pushed', async () => {
  await assert.rejects(git('ls-remote', server.cloneUrl('acme/nothing')), /not found/);
  await server.createRepository('acme/read-only');
  await git('clone', '--quiet', server.cloneUrl('acme/read-only'), '.');
  await assert.rejects(git('push', 'origin', 'HEAD:refs/heads/mine'), /403/);
});

test('a server that hangs answers once it is released, and can be stopped before', async () => {
  const own = await startGitServer();
  await own.createRepository('acme/web');
  own.hang();
  const waiting = git('ls-remote', own.cloneUrl('acme/web'), 'HEAD');
  await own.waitFor(1);
  own.release();
  assert.match(await waiting, /\tHEAD$/);

  own.hang();
  const cut = assert.rejects(git('ls-remote', own.cloneUrl('acme/web'), 'HEAD'));
  await own.waitFor(own.requests.length + 1);
  await own.stop();
  await own.stop();
  await cut;
});
