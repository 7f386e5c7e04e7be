import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { until } from './support/api-client.ts';
import type { ApiAnswer } from './support/api-client.ts';
import { openDeployScene, processesWith } from './support/deploy-scene.ts';
import type { DeployScene, Release, TestDeployment } from './support/deploy-scene.ts';
import { createOutgoingHook, joinTeam } from './support/fixtures.ts';
import type { TestAction } from './support/fixtures.ts';
import { createRole, createTeam } from './support/people.ts';
import { startReceiver } from './support/receiver.ts';

type Refusal = { message: string; errors?: Record<string, string[]> };

describe('releases', { timeout: 600_000 }, () => {
  let scene: DeployScene;
  before(async () => {
    scene = await openDeployScene();
  });
  after(() => scene?.[Symbol.asyncDispose]());

  /** One that is deployed `times` times, with the number in `version`; returns the releases, the oldest first. */
  async function deployedTimes(
    times: number,
    options: Parameters<DeployScene['createDeployment']>[0] = {},
  ): Promise<{ web: TestDeployment; names: string[] }> {
    const web = await scene.createDeployment({ files: { version: '1' }, ...options });
    for (let version = 1; version <= times; version++) {
      if (version > 1) await web.repository.commit({ version: String(version) });
      await web.deployed();
    }
    return { web, names: (await web.releases()).map(({ name }) => name).toReversed() };
  }

  const askRollback = ({ applicationId }: TestDeployment, body: object = {}): Promise<ApiAnswer<Refusal>> =>
    scene.api.request<Refusal>('POST', `/applications/${applicationId}/rollback`, body);

  /** By the header of the answer without a body. */
  async function ask(web: TestDeployment, body: object) {
    const path = `/applications/${web.applicationId}/deployments`;
    const { status, headers } = await scene.api.request('POST', path, body);
    assert.equal(status, 204);
    return await scene.untilAction(Number(headers.get('x-devopness-action-id')));
  }

  test('can be gone back to one by one, and forth by name', async () => {
    const { web, names } = await deployedTimes(3);
    for (const [body, version] of [
      [{}, '2'],
      [{}, '1'],
      [{ release_name: names[2] }, '3'],
      [{}, '2'],
    ] as const) {
      const action = await web.rollback(body);
      assert.equal(action.status, 'completed', action.status_reason_human_readable);
      assert.equal(await web.live('version'), version);
      const live = (await web.releases()).filter(({ is_live }) => is_live);
      assert.deepEqual(
        live.map(({ name }) => name),
        [names[Number(version) - 1]],
      );
    }
  });

  test('cannot be gone back to when they are not there, failed, were removed or are live', async () => {
    const never = await scene.createDeployment();
    const none = await askRollback(never);
    assert.deepEqual(
      [none.status, none.body.message],
      [409, 'No release has been live yet; there is none to go back to.'],
    );

    const { web, names } = await deployedTimes(2, { application: { deployments_keep: 1 } });
    const [removed, live] = names;
    await web.repository.commit({}, { branch: 'other' });
    await web.deploy({ source_type: 'branch', source_ref: 'nope' });
    const [failed] = await web.releases();
    for (const [release_name, status, sentence] of [
      [undefined, 409, `${live} is the oldest release there is; there is none to go back to.`],
      [live, 409, `${live} is live already.`],
      [removed, 409, `${removed} was removed from the targets: the application keeps fewer releases.`],
      [failed?.name, 409, `${failed?.name} failed and was never live.`],
      ['20200101-000000-1', 422, /release_name.*names no release of the application/],
      ['../../etc', 422, /names no release of the application/],
    ] as const) {
      const refused = await askRollback(web, { release_name });
      assert.equal(refused.status, status, String(release_name));
      if (typeof sentence === 'string') assert.equal(refused.body.message, sentence);
      else assert.match(JSON.stringify(refused.body), sentence);
    }
    const other = await askRollback(never, { release_name: live });
    assert.equal(other.status, 422, "another application's");
  });

  test('that are gone from a target fail the action with a sentence, and what is live stays', async () => {
    const { web, names } = await deployedTimes(2);
    await rm(join(web.directory, 'releases', names[0]!), { recursive: true });
    const action = await web.rollback();
    assert.equal(action.status, 'failed');
    assert.match(
      await scene.log(action.id),
      new RegExp(
        `There is no release ${names[0]} in ${web.directory} on this machine\\. There are: ${names[1]}`,
      ),
    );
    assert.equal(await web.live('version'), '2');
    assert.equal((await web.releases()).find(({ is_live }) => is_live)?.name, names[1]);
  });

  test('are deployed, deployed again and rolled back by the call of existing clients', async () => {
    const { web } = await deployedTimes(1);
    await web.repository.tag('v1');
    await web.repository.commit({ version: '2' });
    const typeOf = ({ action_data }: TestAction) => {
      const { deployment, commit } = action_data as {
        deployment: { type: string; source_ref: string };
        commit: { hash: string };
      };
      return [deployment.type, deployment.source_ref, commit.hash];
    };
    const [first] = await web.releases();
    const tagged = await ask(web, { type: 'deploy', source_type: 'tag', source_ref: 'v1' });
    assert.deepEqual(typeOf(tagged), ['deploy', 'v1', first?.commit?.hash]);
    await ask(web, { type: 'deploy' });
    assert.equal(await web.live('version'), '2');
    const back = await ask(web, { type: 'rollback' });
    assert.deepEqual(typeOf(back), ['rollback', first?.commit?.hash, first?.commit?.hash]);
    assert.equal(await web.live('version'), '1');
    const again = await ask(web, { type: 'redeploy' });
    assert.equal(typeOf(again)[0], 'redeploy');
    assert.equal(await web.live('version'), '2');
    assert.equal((await web.releases()).length, 4);
  });

  test('are rolled back again by a retry of the rollback', async () => {
    const { web, names } = await deployedTimes(2);
    const back = await web.rollback();
    await web.rollback({ release_name: names[1] });
    const { id } = await scene.api.post<{ id: number }>(`/actions/${back.id}/retry`);
    const again = await scene.untilAction(id);
    assert.equal(again.status, 'completed', again.status_reason_human_readable);
    assert.equal(await web.live('version'), '1');
    assert.equal((await web.releases()).find(({ is_live }) => is_live)?.name, names[0]);
  });

  test('are rolled back, and nothing else is run, when the default steps were switched off meanwhile', async () => {
    const { web, names } = await deployedTimes(2, {
      steps: [
        { command: 'echo build >>"$HOOKLINE_APPLICATION_DIR/by"' },
        { command: 'echo after >>"$HOOKLINE_APPLICATION_DIR/by"', after_activation: true },
      ],
    });
    const back = await web.rollback();
    await web.rollback({ release_name: names[1] });
    await rm(join(web.directory, 'by'));
    await scene.api.request('PUT', `/pipelines/${web.pipelineId}`, { default_steps: false });
    const { id } = await scene.api.post<{ id: number }>(`/actions/${back.id}/retry`);
    assert.equal((await scene.untilAction(id)).status, 'completed');
    assert.equal(await web.live('version'), '1');
    assert.equal(await readFile(join(web.directory, 'by'), 'utf8'), 'after\n');
  });

  test('are rolled back by the pipeline that made the live one, or by the one that is named', async () => {
    const { web } = await deployedTimes(2, {
      steps: [{ command: 'echo first >>"$HOOKLINE_APPLICATION_DIR/by"', after_activation: true }],
    });
    const { api } = scene;
    const path = `/pipelines/application/${web.applicationId}`;
    const second = await api.post<{ id: number }>(path, {
      name: 'Second',
      operation: 'deploy',
      steps: [{ command: 'echo second >>"$HOOKLINE_APPLICATION_DIR/by"', after_activation: true }],
    });
    const plain = { name: 'Plain', operation: 'deploy', default_steps: false, steps: [{ command: 'true' }] };
    const without = await api.post<{ id: number }>(path, plain);
    await web.rollback();
    await web.rollback({ pipeline_id: second.id, release_name: (await web.releases())[0]!.name });
    assert.equal(await readFile(join(web.directory, 'by'), 'utf8'), 'first\nfirst\nfirst\nsecond\n');
    const refused = await askRollback(web, { pipeline_id: without.id });
    assert.equal(refused.status, 422);
    assert.match(JSON.stringify(refused.body), /names no deploy pipeline of the application/);
  });

  test('are for those to roll back who may deploy', async () => {
    const { web } = await deployedTimes(2);
    const role = await createRole(scene, ['application:read', 'action:read']);
    const reader = await joinTeam(scene, (await createTeam(scene, { role })).id);
    const path = `/applications/${web.applicationId}`;
    assert.equal((await reader.api.get<Release[]>(`${path}/releases`)).length, 2);
    assert.equal((await reader.api.request('POST', `${path}/rollback`, {})).status, 403);
    const deploying = await createRole(scene, ['application:read', 'action:read', 'application:deploy']);
    const deployer = await joinTeam(scene, (await createTeam(scene, { role: deploying })).id);
    const { id } = await deployer.api.post<{ id: number }>(`${path}/rollback`);
    assert.equal((await scene.untilAction(id)).status, 'completed');
  });

  test('are told in action_data once they were fetched, and to outgoing hooks', async (t) => {
    const receiver = await startReceiver();
    t.after(() => receiver.close());
    const go = join(scene.folder, 'go');
    const web = await scene.createDeployment({
      application: { build_command: `until test -e ${go}; do sleep 0.05; done` },
    });
    await createOutgoingHook(scene, web.pipelineId, receiver.url, {
      trigger_when: { events: ['action.completed'] },
      settings: { request_body: { text: '{{ action.commit.hash }} {{ action.commit.author_name }}' } },
    });
    const hash = await web.repository.commit({ a: '' }, { message: 'A title\n\nÄnd more.', author: 'Zoë' });
    scene.git.hang();
    const id = await web.start();
    await scene.git.waitFor(({ path }) => path.includes(web.repository.name));
    const dataNow = async () => (await scene.api.get<{ action_data: unknown }>(`/actions/${id}`)).action_data;
    assert.equal(await dataNow(), null);
    scene.git.release();
    const data = await until(async () => (await dataNow()) ?? false, 'the data of the deployment');
    await mkdir(go);
    await scene.untilAction(id);
    const url = `${scene.git.url}/${web.repository.name}`;
    const { committed_at } = (data as { commit: { committed_at: string } }).commit;
    assert.ok(Math.abs(Date.parse(committed_at) - Date.now()) < 60_000, committed_at);
    assert.deepEqual(data, {
      release_name: (await web.releases())[0]?.name,
      commit: {
        repository: web.repository.name,
        author_name: 'Zoë',
        author_email: 'ada@example.com',
        committed_at,
        hash,
        message: 'A title\n\nÄnd more.',
        url: `${url}/commit/${hash}`,
        clone_url: `${url}.git`,
        download_url: '',
      },
      deployment: {
        type: 'deploy',
        source_type: 'branch',
        source_ref: 'main',
        repository: web.repository.name,
        provider_name: 'GitLab',
        pipeline_id: web.pipelineId,
      },
    });
    const [{ body }] = await receiver.waitFor(() => true);
    assert.deepEqual(JSON.parse(body), { text: `${hash} Zoë` });
  });

  test('of two deployments at once are both whole, and neither removes the other', async () => {
    const web = await scene.createDeployment({
      files: { version: '1' },
      application: { deployments_keep: 1 },
    });
    await web.deployed();
    const ids = await Promise.all(Array.from({ length: 6 }, () => web.start()));
    const ends = await Promise.all(ids.map((id) => scene.untilAction(id)));
    for (const { id, status } of ends) assert.equal(status, 'completed', await scene.log(id));
    await web.deployed();
    const all = await web.releases();
    const folders = await readdir(join(web.directory, 'releases'));
    const ready = all.filter(({ status }) => status === 'ready').map(({ name }) => name);
    assert.deepEqual(folders.toSorted(), ready.toSorted());
    assert.equal(await web.live('version'), '1');
  });

  test('of a deployment that began later stay when an earlier one removes old ones', async () => {
    const gate = join(scene.folder, 'gate');
    await mkdir(gate);
    const web = await scene.createDeployment({
      application: { deployments_keep: 1 },
      steps: [
        {
          command: `name=$HOOKLINE_SOURCE_REF; touch ${gate}/$name.here; until test -e ${gate}/$name.go; do sleep 0.02; done`,
          after_activation: true,
        },
      ],
    });
    for (const branch of ['early', 'late']) await web.repository.commit({ branch }, { branch });
    const [early, late] = [
      await web.start({ source_type: 'branch', source_ref: 'early' }),
      await web.start({ source_type: 'branch', source_ref: 'late' }),
    ];
    const isThere = (name: string) => async () => (await readdir(gate)).includes(name);
    await until(isThere('early.here'), 'the early one');
    await until(isThere('late.here'), 'the late one');
    await mkdir(join(gate, 'late.go'));
    assert.equal((await scene.untilAction(late)).status, 'completed');
    await mkdir(join(gate, 'early.go'));
    assert.equal((await scene.untilAction(early)).status, 'completed');
    const live = await readlink(join(web.directory, 'current'));
    const shown = (await web.releases()).find(({ is_live }) => is_live);
    assert.equal(live, `releases/${shown?.name}`);
    assert.equal(shown?.status, 'ready');
    assert.ok((await readdir(join(web.directory, 'releases'))).includes(shown?.name ?? ''));
  });

  test('that were made while an earlier deployment waited to remove old ones are not among those', async (t) => {
    const gate = join(scene.folder, 'earlier');
    const wait = `touch ${gate}.here; until test -e ${gate}; do sleep 0.02; done`;
    const { web, names } = await deployedTimes(1, { application: { deployments_keep: 1 } });
    const { id: step } = await scene.api.post<{ id: number }>(`/pipelines/${web.pipelineId}/steps`, {
      command: wait,
      after_activation: true,
    });
    const earlier = await web.start();
    await until(async () => existsSync(`${gate}.here`), 'the earlier one');
    const lock = join(web.directory, '.hookline/lock');
    const holder = spawn('sh', ['-c', 'exec flock "$0" sh -c "echo held; read -r line"', lock], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    t.after(() => holder.kill());
    await once(holder.stdout, 'data');
    await writeFile(gate, '');
    await until(async () => {
      const waiting = await processesWith('flock\0', 'cmdline');
      const ours = await processesWith(`HOOKLINE_ACTION_ID=${earlier}\0`, 'environ');
      return ours.some((pid) => waiting.includes(pid));
    }, 'it to wait');
    await scene.api.put(`/pipelines/${web.pipelineId}/steps/${step}`, { command: 'true' });
    await scene.api.put(`/applications/${web.applicationId}`, { deployments_keep: 5 });
    // Of another file the next one does not have to wait.
    await rm(lock);
    await web.deployed();
    const [later] = await web.releases();
    await web.rollback({ release_name: names[0] });
    holder.stdin.end('\n');
    assert.equal((await scene.untilAction(earlier)).status, 'completed');
    assert.ok((await readdir(join(web.directory, 'releases'))).includes(later!.name));
    assert.deepEqual(
      (await web.releases()).map(({ status, is_live }) => [status, is_live]),
      [
        ['ready', false],
        ['ready', false],
        ['ready', true],
      ],
    );
    assert.equal(await web.live('version'), '1');
  });

  test('are switched without a moment in which there is none', async () => {
    const { web } = await deployedTimes(2);
    const current = join(web.directory, 'current');
    let isOver = false;
    let looks = 0;
    const looking = (async () => {
      while (!isOver) {
        assert.match(await readFile(join(current, 'version'), 'utf8'), /^[12]$/);
        looks++;
      }
    })();
    looking.catch(() => undefined);
    for (const release of (await web.releases()).toReversed()) {
      await web.rollback({ release_name: release.name }).catch(() => undefined);
    }
    await web.rollback();
    isOver = true;
    await looking;
    assert.ok(looks > 10);
  });
});
