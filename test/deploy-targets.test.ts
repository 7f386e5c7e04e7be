import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { once } from 'node:events';
import { mkdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { until } from './support/api-client.ts';
import { openDeployScene } from './support/deploy-scene.ts';
import type { DeployScene } from './support/deploy-scene.ts';

type Target = { status: string; status_reason_human_readable: string };

describe('a deployment to several servers', { timeout: 600_000 }, () => {
  let scene: DeployScene;
  before(async () => {
    scene = await openDeployScene({ place: 'ssh2', servers: 2 });
  });
  after(() => scene?.[Symbol.asyncDispose]());

  /** Each server has a home of its own, and the application is in it. */
  async function createDeployment(options: Parameters<DeployScene['createDeployment']>[0] = {}) {
    const name = `web-${scene.git.requests.length}`;
    const application = { deploy_directory: `~/${name}`, ...options.application };
    const web = await scene.createDeployment({ ...options, application });
    return { ...web, directories: scene.servers.map(({ ssh }) => join(ssh.home, name)) };
  }
  const first = () => scene.servers[0]!.ssh.home;

  test('goes live on all of them once each is ready, or on none', async () => {
    const web = await createDeployment({
      files: { state: '1' },
      application: { build_command: `test "$HOME" != ${first()} || test ! -e ~/broken` },
    });
    await web.deployed();
    for (const directory of web.directories) {
      assert.equal(await readFile(join(directory, 'current/state'), 'utf8'), '1');
    }
    const live = await Promise.all(web.directories.map((one) => readlink(join(one, 'current'))));

    await writeFile(join(first(), 'broken'), '');
    const failed = await web.deploy();
    await rm(join(first(), 'broken'));
    const targets = failed.targets as Target[];
    assert.deepEqual(targets.map(({ status }) => status).toSorted(), ['failed', 'skipped']);
    const reason = 'Step 2 "Build" on web-1 exited with code 1.';
    assert.equal(failed.status_reason_human_readable, reason);
    assert.deepEqual(
      targets.map(({ status_reason_human_readable }) => status_reason_human_readable).toSorted(),
      [`Not activated: ${reason}`, reason],
    );
    assert.deepEqual(await Promise.all(web.directories.map((one) => readlink(join(one, 'current')))), live);
    assert.equal((await web.releases())[0]?.status, 'failed');

    const folder = join(web.directories[0]!, 'current');
    await rm(folder);
    await mkdir(folder);
    const blocked = await web.deploy();
    assert.equal(blocked.status, 'failed');
    assert.match(await scene.log(blocked.id), /current is no link/);
    assert.equal(await readlink(join(web.directories[1]!, 'current')), live[1]);
    assert.equal((await web.releases()).find(({ is_live }) => is_live)?.name, live[1]?.split('/')[1]);
  });

  test('puts the same commit onto all of them although the branch moves on in between', async () => {
    const web = await createDeployment({ files: { v: '1' } });
    const second = scene.servers[1]!.ssh;
    second.freeze();
    const id = await web.start();
    const isFetched = async () =>
      (await scene.api.get<{ action_data: unknown }>(`/actions/${id}`)).action_data !== null;
    await until(isFetched, 'the first server to have the source');
    await web.repository.commit({ v: '2' });
    second.thaw();
    const action = await scene.untilAction(id);
    assert.equal(action.status, 'completed', await scene.log(id));
    const found = await Promise.all(web.directories.map((one) => readFile(join(one, 'current/v'), 'utf8')));
    assert.deepEqual(found, ['1', '1']);
    const { commit } = action.action_data as { commit: { hash: string } };
    assert.equal((await web.releases())[0]?.commit?.hash, commit.hash);
  });

  test('is rolled back on all of them', async () => {
    const web = await createDeployment({ files: { v: '1' } });
    await web.deployed();
    await web.repository.commit({ v: '2' });
    await web.deployed();
    const back = await web.rollback();
    assert.equal(back.status, 'completed', back.status_reason_human_readable);
    for (const one of web.directories) assert.equal(await readFile(join(one, 'current/v'), 'utf8'), '1');
  });
});

describe('what a deployment to the machine of Hookline may reach', { timeout: 600_000 }, () => {
  let scene: DeployScene;
  before(async () => {
    // 127.0.0.1 is the one address that is open.
    scene = await openDeployScene({ env: { HOOKLINE_EGRESS_ALLOW: '127.0.0.1/32' } });
  });
  after(() => scene?.[Symbol.asyncDispose]());

  for (const [what, repository] of [
    ['a private address', 'http://10.1.2.3/acme/web.git'],
    ['an address of this machine', 'http://127.0.0.2:8080/acme/web.git'],
    ['the metadata of a cloud', 'http://169.254.169.254/acme/web.git'],
    ['an address in another notation', 'http://0x7f000002/acme/web.git'],
    ['an IPv6 address', 'http://[::1]:8080/acme/web.git'],
    ['an IPv4 address in IPv6', 'http://[::ffff:10.1.2.3]/acme/web.git'],
    ['an address for SSH', 'ssh://git@10.1.2.3/acme/web.git'],
    ['an address as scp has it', 'git@10.1.2.3:acme/web.git'],
    ['an address of the git protocol', 'git://10.1.2.3/acme/web.git'],
  ]) {
    test(`is not ${what}`, async () => {
      const web = await scene.createDeployment({ application: { repository, credential_id: null } });
      const action = await web.deploy();
      assert.equal(action.status, 'failed');
      assert.match(
        action.status_reason_human_readable,
        /^Step 1 "Fetch the source" on local: \S+ is a private or reserved address \(.+\)\. An operator can open it with HOOKLINE_EGRESS_ALLOW\.$/,
      );
      assert.equal(existsSync(web.directory), false);
    });
  }

  test('is not a name that stands for such an address, nor one that stands for none', async () => {
    for (const [host, sentence] of [
      // It also has an IPv6 address on most machines, or else this one is it.
      ['ip6-localhost', /is a private or reserved address|could not be found/],
      ['nowhere.invalid', /the host nowhere\.invalid of the repository could not be found/],
    ] as const) {
      const repository = `http://${host}:1/acme/web.git`;
      const web = await scene.createDeployment({ application: { repository, credential_id: null } });
      const action = await web.deploy();
      assert.equal(action.status, 'failed');
      assert.match(action.status_reason_human_readable, sentence);
    }
  });

  test('is what was opened, and what redirects from there is not followed', async (t) => {
    const asked: string[] = [];
    const inside = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.writeHead(404).end();
    });
    await once(inside.listen(0, '127.0.0.2'), 'listening');
    const port = (inside.address() as { port: number }).port;
    const redirecting = createServer((request, response) =>
      response.writeHead(302, { location: `http://127.0.0.2:${port}${request.url}` }).end(),
    );
    await once(redirecting.listen(0, '127.0.0.1'), 'listening');
    t.after(() => {
      for (const server of [inside, redirecting]) {
        server.close();
        server.closeAllConnections();
      }
    });
    const open = await scene.createDeployment();
    await open.deployed();

    const { port: at } = redirecting.address() as { port: number };
    const repository = `http://127.0.0.1:${at}/acme/web.git`;
    const web = await scene.createDeployment({ application: { repository, credential_id: null } });
    const action = await web.deploy();
    assert.match(
      await scene.log(action.id),
      /it redirects to another address, which is not followed from here/,
    );
    assert.deepEqual(asked, []);

    const nested = await scene.createDeployment();
    await nested.repository.addSubmodule('lib', `http://127.0.0.2:${port}/acme/inside.git`);
    const submodule = await nested.deploy();
    assert.match(
      await scene.log(submodule.id),
      /A submodule could not be fetched\. To the machine of Hookline only/,
    );
    assert.deepEqual(asked, []);
  });
});
