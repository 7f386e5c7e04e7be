import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { lstat, mkdir, readdir, readFile, readlink, realpath, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openDeployScene } from './support/deploy-scene.ts';
import type { DeployScene, Place } from './support/deploy-scene.ts';
import type { DatabaseKind } from './support/database.ts';
import { runGit } from './support/run-git.ts';
import { sshServerKinds } from './support/ssh-server.ts';

const scenes: { place: Place; database: DatabaseKind }[] = [
  { place: 'local', database: 'sqlite' },
  ...sshServerKinds.map((place) => ({
    place,
    database: place === 'ssh2' ? ('postgres' as const) : ('sqlite' as const),
  })),
];

for (const { place, database } of scenes) {
  describe(`deployments to ${place} (${database})`, { timeout: 600_000 }, () => {
    let scene: DeployScene;
    before(async () => {
      scene = await openDeployScene({ place, database });
    });
    after(() => scene?.[Symbol.asyncDispose]());
    /** Of what the other kind of SSH has been through. */
    const inFull = (name: string, check: () => Promise<void>): void => {
      if (place !== 'openssh') void test(name, check);
    };

    test('put the commit into a folder of its own as it is: links, executables and submodules, without .git', async () => {
      const { git } = scene;
      const shared = await git.createRepository('acme/shared', { 'shared.txt': 'absolute' });
      await git.createRepository('acme/nested', { 'nested.txt': 'relative' });
      await shared.addSubmodule('deeper', '../nested.git');
      const web = await scene.createDeployment({
        files: { 'bin/start': '#!/bin/sh\n', 'a b/ü.txt': 'odd name', '.env.example': 'hidden' },
      });
      await symlink('../a b', join(web.repository.folder, 'bin/link'));
      await web.repository.commit({}, { executable: ['bin/start'] });
      await web.repository.addSubmodule('libs/absolute', git.cloneUrl('acme/shared'));
      await web.repository.addSubmodule('libs/relative', '../nested.git');

      for (const time of ['first', 'second']) {
        await web.deployed();
        const release = await realpath(join(web.directory, 'current'));
        const files = await readdir(release, { recursive: true });
        assert.deepEqual(
          files.filter((path) => /(^|\/)\.git$/.test(path)),
          [],
          time,
        );
        const tracked = await runGit(web.repository.folder, 'ls-files', '-z');
        const expected = tracked.split('\0').filter((path) => path !== '' && !path.startsWith('libs/'));
        for (const path of expected) assert.ok(files.includes(path), `${path} ${time}`);
        assert.equal((await lstat(join(release, 'bin/start'))).mode & 0o111, 0o111);
        assert.equal((await lstat(join(release, 'a b/ü.txt'))).mode & 0o111, 0);
        assert.equal(await readlink(join(release, 'bin/link')), '../a b');
        assert.equal(await web.live('libs/absolute/shared.txt'), 'absolute');
        assert.equal(await web.live('libs/absolute/deeper/nested.txt'), 'relative');
        assert.equal(await web.live('libs/relative/nested.txt'), 'relative');
      }
    });

    inFull(
      'install, then build, then run the steps, activate, run those for after it, and remove old ones',
      async () => {
        const web = await scene.createDeployment({
          files: { 'apps/web/name.txt': 'web' },
          application: {
            root_directory: '/apps/web/',
            install_dependencies_command:
              'echo "install in $(basename "$PWD")" >>order; test ! -e "$HOOKLINE_CURRENT_DIR"',
            build_command: 'echo build >>order',
          },
          steps: [
            {
              name: 'late',
              command: 'echo after >>order; cat "$HOOKLINE_CURRENT_DIR/apps/web/name.txt"',
              after_activation: true,
            },
            { name: 'early', command: 'echo own >>order; test ! -e "$HOOKLINE_CURRENT_DIR"; cat name.txt' },
          ],
        });
        const { targets } = await web.deployed();
        assert.equal(await web.live('apps/web/order'), 'install in web\nbuild\nown\nafter\n');
        assert.deepEqual(
          (targets as { steps: { name: string; status: string }[] }[])[0]?.steps.map(({ name }) => name),
          [
            'Fetch the source',
            'Install dependencies',
            'Build',
            'early',
            'Activate the release',
            'late',
            'Remove old releases',
          ],
        );
      },
    );

    inFull('tell every step its folders, release and commit', async () => {
      const names = [
        'APPLICATION_DIR',
        'RELEASE_DIR',
        'CURRENT_DIR',
        'RELEASE_NAME',
        'COMMIT_HASH',
        'SOURCE_TYPE',
        'SOURCE_REF',
      ];
      const print = names.map((name) => `echo "${name}=$HOOKLINE_${name}"`).join('; ');
      const web = await scene.createDeployment({
        application: { build_command: `(${print}) >env-build` },
        steps: [
          `(${print}; echo "PWD=$PWD") >env-own`,
          { command: `(${print}) >env-after`, after_activation: true },
        ],
      });
      const { action_data } = await web.deployed();
      const hash = await runGit(web.repository.folder, 'rev-parse', 'main');
      const [release] = await web.releases();
      const expected =
        [
          `APPLICATION_DIR=${web.directory}`,
          `RELEASE_DIR=${web.directory}/releases/${release?.name}`,
          `CURRENT_DIR=${web.directory}/current`,
          `RELEASE_NAME=${release?.name}`,
          `COMMIT_HASH=${hash}`,
          'SOURCE_TYPE=branch',
          'SOURCE_REF=main',
        ].join('\n') + '\n';
      assert.equal(await web.live('env-build'), expected);
      assert.equal(await web.live('env-own'), `${expected}PWD=${web.directory}/releases/${release?.name}\n`);
      assert.equal(await web.live('env-after'), expected);
      assert.equal((action_data as { release_name: string }).release_name, release?.name);
    });

    inFull('never touch what is live when a build fails, and name no release after it', async () => {
      const web = await scene.createDeployment({
        files: { state: 'good' },
        application: { build_command: 'test "$(cat state)" = good' },
      });
      await web.deployed();
      const before = await readlink(join(web.directory, 'current'));
      await web.repository.commit({ state: 'bad' });
      const failed = await web.deploy();
      assert.equal(failed.status, 'failed');
      assert.match(failed.status_reason_human_readable, /^Step 2 "Build" on \S+ exited with code 1\.$/);
      assert.equal(await readlink(join(web.directory, 'current')), before);
      assert.equal(await web.live('state'), 'good');
      assert.deepEqual(
        (await web.releases()).map(({ status, is_live }) => [status, is_live]),
        [
          ['failed', false],
          ['ready', true],
        ],
      );
    });

    test('switch back to the previous release without a fetch, and run what follows the activation', async () => {
      const web = await scene.createDeployment({
        files: { version: '1' },
        application: { build_command: 'echo built >>"$HOOKLINE_APPLICATION_DIR/builds"' },
        steps: [{ command: 'cat version >>"$HOOKLINE_APPLICATION_DIR/went-live"', after_activation: true }],
      });
      await web.deployed();
      await web.repository.commit({ version: '2' });
      await web.deployed();
      const asked = scene.git.requests.length;
      const back = await web.rollback();
      assert.equal(back.status, 'completed', back.status_reason_human_readable);
      assert.equal(await web.live('version'), '1');
      assert.equal(scene.git.requests.length, asked);
      assert.equal(await readFile(join(web.directory, 'went-live'), 'utf8'), '121');
      assert.equal(await readFile(join(web.directory, 'builds'), 'utf8'), 'built\nbuilt\n');
      assert.deepEqual(
        (await web.releases()).map(({ is_live }) => is_live),
        [false, true],
      );
    });

    inFull(
      'do not take over a folder that is called current, nor the folder of another application',
      async () => {
        const web = await scene.createDeployment();
        await mkdir(join(web.directory, 'current'), { recursive: true });
        await writeFile(join(web.directory, 'current', 'precious'), 'mine');
        const refused = await web.deploy();
        assert.equal(refused.status, 'failed');
        assert.match(await scene.log(refused.id), /current is no link, but something of somebody's/);
        assert.equal(await readFile(join(web.directory, 'current', 'precious'), 'utf8'), 'mine');

        const first = await scene.createDeployment({ files: { whose: 'first' } });
        await first.deployed();
        const second = await scene.createDeployment({ application: { deploy_directory: first.directory } });
        const other = await second.deploy();
        assert.equal(other.status, 'failed');
        assert.match(await scene.log(other.id), /belongs to another application already/);
        assert.equal(await first.live('whose'), 'first');
      },
    );

    inFull(
      'keep as many releases as the application says, and leave alone what they have not made',
      async () => {
        const web = await scene.createDeployment({
          files: { 'folder/file': 'read-only' },
          application: { deployments_keep: 2, build_command: 'test ! -e broken; chmod -R a-w folder' },
        });
        const names = async () => (await readdir(join(web.directory, 'releases'))).toSorted();
        await web.deployed();
        for (const foreign of ['by-hand', '20200101-000000'])
          await mkdir(join(web.directory, 'releases', foreign));
        await writeFile(join(web.directory, 'releases', '20200101-000000-1.tar'), '');
        await web.repository.commit({ broken: '' });
        assert.equal((await web.deploy()).status, 'failed');
        assert.equal((await names()).length, 5);
        await web.repository.commit({ broken: null });
        await web.deployed();
        await web.deployed();
        const [live, previous, failed, first] = await web.releases();
        assert.deepEqual(
          [live, previous, failed, first].map((release) => release?.status),
          ['ready', 'ready', 'failed', 'removed'],
        );
        assert.deepEqual(
          await names(),
          [live?.name, previous?.name, 'by-hand', '20200101-000000', '20200101-000000-1.tar'].toSorted(),
        );
        assert.equal(existsSync(join(web.directory, 'current', 'folder/file')), true);
      },
    );
  });
}
