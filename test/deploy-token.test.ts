import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, readdir, symlink } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { until } from './support/api-client.ts';
import { openDeployScene, processesWith } from './support/deploy-scene.ts';
import type { DeployScene, Place } from './support/deploy-scene.ts';
import { startGitServer } from './support/git-server.ts';

const places: Place[] = ['local', 'ssh2'];
const base64 = (text: string) => Buffer.from(text).toString('base64');

for (const place of places) {
  describe(`the token of a git host, on ${place}`, { timeout: 600_000 }, () => {
    let scene: DeployScene;
    before(async () => {
      scene = await openDeployScene({ place });
      scene.git.requireToken(scene.token);
    });
    after(() => scene?.[Symbol.asyncDispose]());

    /** All that may be seen of an action and what belongs to it. */
    async function everythingShown(
      applicationId: number,
      pipelineId: number,
      actionId: number,
    ): Promise<string> {
      const paths = [
        `/actions/${actionId}`,
        `/actions/${actionId}/logs`,
        `/applications/${applicationId}`,
        `/applications/${applicationId}/releases`,
        `/pipelines/${pipelineId}`,
        `/environments/${scene.environmentId}/credentials`,
      ];
      const answers = await Promise.all(paths.map((path) => scene.api.get(path)));
      return `${JSON.stringify(answers)}${scene.server.output()}`;
    }

    test('is used, and shown nowhere: not in arguments, logs, answers or files', async () => {
      const { git, token } = scene;
      const web = await scene.createDeployment({
        steps: [
          'env; ls -la "$HOOKLINE_APPLICATION_DIR/.hookline"; cat "$HOOKLINE_APPLICATION_DIR/.hookline/source.git/config"',
        ],
      });
      await git.createRepository('acme/part', { part: 'of it' });
      await web.repository.addSubmodule('part', '../part.git');
      const secrets = [token, base64(`oauth2:${token}`), encodeURIComponent(token)];
      const since = git.requests.length;
      git.hang();
      const id = await web.start();
      try {
        await git.waitFor((request) => request.path.includes(web.repository.name));
        assert.notDeepEqual(await processesWith(web.directory, 'environ'), []);
        for (const secret of secrets) assert.deepEqual(await processesWith(secret, 'cmdline'), []);
        git.release();
        // Those that bear the token, too.
        const asked = git.requests.length;
        git.hang();
        await until(
          async () => git.requests.slice(asked).some(({ password }) => password === token),
          'the token',
        );
        for (const secret of secrets) assert.deepEqual(await processesWith(secret, 'cmdline'), []);
      } finally {
        git.release();
      }
      const action = await scene.untilAction(id);
      assert.equal(action.status, 'completed', await scene.log(id));
      assert.equal(await web.live('part/part'), 'of it');
      const passwords = git.requests.slice(since).map(({ user, password }) => `${user}:${password}`);
      assert.deepEqual(new Set(passwords), new Set(['null:null', `oauth2:${token}`]));
      const shown = await everythingShown(web.applicationId, web.pipelineId, id);
      for (const secret of secrets) {
        assert.equal(shown.includes(secret), false);
        // 1: nothing was found.
        const search = promisify(execFile)('grep', ['-rlF', '-e', secret, web.directory]);
        await assert.rejects(search, (error: { code: number }) => error.code === 1);
      }
      const config = await readFile(join(web.directory, '.hookline/source.git/config'), 'utf8');
      assert.match(config, new RegExp(`url = ${git.cloneUrl(web.repository.name)}`));
      assert.doesNotMatch(config, /credential|helper/);
    });

    test('that is wrong, or that is not there, is said to be refused', async () => {
      const { api, environmentId, git } = scene;
      const wrong = await api.post<{ id: number }>(`/environments/${environmentId}/credentials`, {
        name: `wrong`,
        provider_code: 'gitlab',
        settings: { access_token: 'wrong-token-abc', api_url: `${git.url}/api/v4` },
      });
      for (const [application, source_type, sentence] of [
        [
          { credential_id: wrong.id },
          'branch',
          /the git host refused the token of the application's credential\./,
        ],
        [{ credential_id: null }, 'tag', /the git host wants a token\. Give the application a credential/],
      ] as const) {
        const repository = git.cloneUrl('acme/any');
        const web = await scene.createDeployment({ application: { repository, ...application } });
        const { id, status } = await web.deploy({ source_type, source_ref: 'main' });
        assert.equal(status, 'failed');
        const log = await scene.log(id);
        assert.match(log, sentence);
        assert.equal(log.includes('wrong-token-abc'), false);
      }
    });

    test('goes to no other host: neither by a submodule nor by a redirect', async (t) => {
      const { git, token } = scene;
      const other = await startGitServer();
      t.after(() => other.stop());
      other.requireToken('of the other');
      await other.createRepository('acme/elsewhere');
      const web = await scene.createDeployment();
      await web.repository.addSubmodule('lib', other.cloneUrl('acme/elsewhere'));
      const failed = await web.deploy();
      assert.match(await scene.log(failed.id), /A submodule could not be fetched/);
      // On the machine of Hookline no other host is even asked.
      assert.equal(other.requests.length > 0, place !== 'local');

      const redirecting = await startRedirector(t, other.url, token);
      const { api, environmentId } = scene;
      const credential = await api.post<{ id: number }>(`/environments/${environmentId}/credentials`, {
        name: `redirects`,
        provider_code: 'gitlab',
        settings: { access_token: token, api_url: `${redirecting}/api/v4` },
      });
      const moved = await scene.createDeployment({
        application: { credential_id: credential.id, repository: 'acme/elsewhere' },
      });
      const action = await moved.deploy();
      assert.equal(action.status, 'failed');
      assert.match(await scene.log(action.id), /could not be fetched/);
      for (const { password } of other.requests) assert.notEqual(password, token);
      for (const { password } of git.requests) assert.notEqual(password, 'of the other');
    });

    test('needs git on the machine, and the lack of it is said', async () => {
      const web = await scene.createDeployment();
      const programs = join(scene.folder, 'programs');
      await mkdir(programs);
      for (const name of ['bash', 'mkdir', 'cat', 'id', 'head'])
        await symlink(`/bin/${name}`, join(programs, name));
      await scene.api.post(`/applications/${web.applicationId}/variables`, { key: 'PATH', value: programs });
      const action = await web.deploy();
      assert.equal(action.status, 'failed');
      assert.match(
        await scene.log(action.id),
        /git is not installed on this machine; install it and deploy again\./,
      );
    });

    test('a git host that hangs is given up in time, with all that was started', async () => {
      const { git } = scene;
      const web = await scene.createDeployment({ pipeline: { timeout_seconds: 2 } });
      git.hang();
      try {
        const id = await web.start();
        await git.waitFor((request) => request.path.includes(web.repository.name));
        assert.notDeepEqual(await processesWith(web.directory, 'environ'), []);
        const action = await scene.untilAction(id);
        assert.equal(action.status, 'failed');
        assert.equal(
          action.status_reason_human_readable,
          'The action took longer than 2 seconds and was ended.',
        );
        // What was killed is there until it has been given a processor once more.
        const left = () => processesWith(web.directory, 'environ');
        await until(async () => (await left()).length === 0, 'all of it to be gone');
      } finally {
        git.release();
      }
      await web.deployed();
      assert.equal((await readdir(join(web.directory, 'releases'))).length, 1);
    });
  });
}

/** Redirects whoever brings the token to the same path at another address. */
async function startRedirector(t: TestContext, to: string, token: string): Promise<string> {
  const server = createServer((request, response) => {
    const sent = Buffer.from(request.headers.authorization?.split(' ')[1] ?? '', 'base64').toString();
    if (sent.endsWith(`:${token}`)) response.writeHead(302, { location: `${to}${request.url}` }).end();
    else response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
