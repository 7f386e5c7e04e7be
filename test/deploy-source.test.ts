import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openDeployScene } from './support/deploy-scene.ts';
import type { DeployScene, TestDeployment } from './support/deploy-scene.ts';
import { createIncomingHook, sendSigned, type TestAction } from './support/fixtures.ts';
import { githubPayload } from './support/github.ts';

const hashOf = ({ action_data }: TestAction) =>
  (action_data as { commit: { hash: string } } | null)?.commit.hash ?? null;

describe('the source of a deployment', { timeout: 600_000 }, () => {
  let scene: DeployScene;
  let web: TestDeployment;
  /** By what leads to them. */
  let commits: Record<'main' | 'branch' | 'tag' | 'annotated' | 'left', string>;

  before(async () => {
    scene = await openDeployScene();
    web = await scene.createDeployment();
    const { repository } = web;
    const tag = await repository.commit({ v: 'tag' });
    await repository.tag('v1', tag);
    const annotated = await repository.commit({ v: 'annotated' });
    await repository.tag('v2', annotated, { message: 'Version 2' });
    const branch = await repository.commit({ v: 'branch' }, { branch: 'feature/x' });
    const kept = await repository.commit({ v: 'main' });
    const left = await repository.commit({ v: 'left' });
    await repository.reset('main', kept);
    commits = { main: kept, branch, tag, annotated, left };
  });
  after(() => scene?.[Symbol.asyncDispose]());

  test('is the default branch of the application when nobody says anything', async () => {
    assert.equal(hashOf(await web.deployed()), commits.main);
    const other = await scene.createDeployment({ application: { default_branch: 'next' } });
    const next = await other.repository.commit({ v: 'next' }, { branch: 'next' });
    assert.equal(hashOf(await other.deployed()), next);
  });

  for (const [what, body, expected, known] of [
    ['a branch', { source_type: 'branch', source_ref: 'feature/x' }, 'branch', ['branch', 'feature/x']],
    ['a tag', { source_type: 'tag', source_ref: 'v1' }, 'tag', ['tag', 'v1']],
    ['an annotated tag', { source_type: 'tag', source_ref: 'v2' }, 'annotated', ['tag', 'v2']],
    [
      'refs/heads/…',
      { source_type: 'branch', source_ref: 'refs/heads/feature/x' },
      'branch',
      ['branch', 'feature/x'],
    ],
    ['refs/tags/…', { source_ref: 'refs/tags/v2' }, 'annotated', ['tag', 'v2']],
    ['a ref without its type', { source_ref: 'feature/x' }, 'branch', ['branch', 'feature/x']],
  ] as const) {
    test(`is ${what} that was asked for`, async () => {
      const action = await web.deployed(body);
      assert.equal(hashOf(action), commits[expected]);
      assert.equal(await web.live('v'), expected);
      const { deployment } = action.action_data as {
        deployment: { source_type: string; source_ref: string };
      };
      assert.deepEqual([deployment.source_type, deployment.source_ref], known);
    });
  }

  for (const [what, length] of [
    ['its full hash', 40],
    ['its first 12 characters, as Bitbucket sends them', 12],
    ['its first 7', 7],
  ] as const) {
    test(`is a commit by ${what}`, async () => {
      const source_ref = commits.tag.slice(0, length);
      assert.equal(hashOf(await web.deployed({ source_type: 'commit', source_ref })), commits.tag);
      assert.equal(await web.live('v'), 'tag');
    });
  }

  test('is a commit that only a forced push has left behind', async () => {
    assert.equal(
      hashOf(await web.deployed({ source_type: 'commit', source_ref: commits.left })),
      commits.left,
    );
    assert.equal(await web.live('v'), 'left');
  });

  test('is the commit of a push, not what the branch has become since', async () => {
    const hook = await createIncomingHook(scene, web.pipelineId, {
      settings: {
        variables: [
          { name: 'source_type', default: 'branch', path: 'absent' },
          { name: 'source_ref', path: 'ref' },
          { name: 'commit_hash', path: 'after' },
        ],
      },
    });
    const push = {
      ...githubPayload('push'),
      ref: 'refs/heads/main',
      before: commits.tag,
      after: commits.left,
    };
    const { body } = await sendSigned(scene, hook, JSON.stringify(push));
    const action = await scene.untilAction(body.action_id!);
    assert.equal(action.status, 'completed', action.status_reason_human_readable);
    assert.equal(hashOf(action), commits.left);
    const { deployment } = action.action_data as { deployment: { source_type: string; source_ref: string } };
    assert.deepEqual([deployment.source_type, deployment.source_ref], ['branch', 'main']);
    assert.equal(await web.live('v'), 'left');
  });

  test('is the commit that a short hash begins, whatever a tag or branch is called', async () => {
    const { repository } = web;
    const short = commits.tag.slice(0, 12);
    await repository.tag(short, commits.main);
    await repository.commit({ v: 'misleading' }, { branch: short });
    assert.equal(hashOf(await web.deployed({ source_type: 'commit', source_ref: short })), commits.tag);
  });

  test('is found by a short hash also after a branch gave way to one below it', async () => {
    const other = await scene.createDeployment();
    const first = await other.repository.commit({ v: '1' }, { branch: 'topic' });
    await other.deployed({ source_type: 'commit', source_ref: first.slice(0, 12) });
    await other.repository.removeBranch('topic');
    const second = await other.repository.commit({ v: '2' }, { branch: 'topic/again' });
    assert.equal(
      hashOf(await other.deployed({ source_type: 'commit', source_ref: second.slice(0, 12) })),
      second,
    );
  });

  test('is said to be missing when it is', async () => {
    const nowhere = 'f'.repeat(40);
    for (const [body, sentence] of [
      [{ source_type: 'branch', source_ref: 'nope' }, /is there a branch nope\?/],
      [{ source_type: 'tag', source_ref: 'nope' }, /is there a tag nope\?/],
      [{ source_type: 'tag', source_ref: 'main' }, /is there a tag main\?/],
      [
        { source_type: 'commit', source_ref: nowhere },
        new RegExp(`There is no commit ${nowhere} in ${scene.git.url}`),
      ],
      [{ source_type: 'commit', source_ref: 'fffffffffff' }, /There is no commit fffffffffff in /],
      [{ source_type: 'commit', source_ref: 'main' }, /"main" is no commit hash: 7 to 64 digits/],
    ] as const) {
      const action = await web.deploy(body);
      assert.equal(action.status, 'failed', JSON.stringify(body));
      assert.match(
        action.status_reason_human_readable,
        /Step 1 "Fetch the source" on \S+ exited with code 1\./,
      );
      assert.match(await scene.log(action.id), sentence);
      assert.equal(action.action_data, null);
    }
    const gone = await scene.createDeployment({ application: { repository: 'acme/nowhere' } });
    const action = await gone.deploy();
    assert.match(
      await scene.log(action.id),
      /could not be fetched from http:\S+acme\/nowhere\.git[^]*(not found|see above)/,
    );
  });

  test('runs nothing and goes nowhere, whatever a ref says', async () => {
    const marker = join(scene.folder, 'x');
    const current = await readlink(join(web.directory, 'current'));
    const refs = [
      `--upload-pack=touch ${marker}`,
      `--upload-pack=touch\${IFS}${marker}`,
      `$(touch ${marker})`,
      'main:refs/heads/x',
      'main with spaces',
      `main\ntouch ${marker}`,
      '../../../../etc',
      `'; touch ${marker}; '`,
      'main^{commit}',
      'main~1',
      '*',
      'HEAD',
    ];
    const asked = [
      ...refs.map((source_ref) => ({ source_type: 'branch', source_ref })),
      ...refs.slice(0, 3).flatMap((source_ref) => [
        { source_type: 'tag', source_ref },
        { source_type: 'commit', source_ref },
      ]),
    ];
    const started = await Promise.all(asked.map((body) => web.start(body)));
    for (const [index, id] of started.entries()) {
      const what = JSON.stringify(asked[index]);
      assert.equal((await scene.untilAction(id)).status, 'failed', what);
      const sentence = /is no name that a branch or tag can have|is no commit hash|is there a (branch|tag)/;
      assert.match(await scene.log(id), sentence, what);
    }
    assert.equal(existsSync(marker), false);
    assert.equal(await readlink(join(web.directory, 'current')), current);
    assert.equal((await readdir(scene.folder)).includes('x'), false);
  });

  test('is fetched although what was there before was cut off in the middle', async () => {
    const other = await scene.createDeployment();
    await other.deployed();
    const cache = join(other.directory, '.hookline/source.git');
    for (const name of ['shallow.lock', 'config.lock', 'packed-refs.lock', 'HEAD.lock']) {
      await writeFile(join(cache, name), '');
    }
    const hash = await other.repository.commit({ v: 'later' });
    assert.equal(hashOf(await other.deployed()), hash);
  });

  test('has the submodules of its commit also after one of them moved', async () => {
    const { git } = scene;
    await git.createRepository('acme/old-place', { where: 'old' });
    await git.createRepository('acme/new-place', { where: 'new' });
    const other = await scene.createDeployment();
    await other.repository.addSubmodule('lib', '../old-place.git');
    await other.deployed();
    assert.equal(await other.live('lib/where'), 'old');
    await other.repository.addSubmodule('lib', '../new-place.git');
    await other.deployed();
    assert.equal(await other.live('lib/where'), 'new');
  });
});
