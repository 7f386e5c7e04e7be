import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { sampleEventNames } from '#sdk';
import { openCli } from './support/cli.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import {
  createApplication,
  createIncomingHook,
  createOutgoingHook,
  createPipeline,
} from './support/fixtures.ts';
import { startInProcessApp, type InProcessApp } from './support/in-process-app.ts';
import { until } from './support/api-client.ts';

type TryOut = {
  outcome: string;
  reason: string;
  pipeline_id: number | null;
  variables: Record<string, unknown>;
};
type Hook = { id: string; secret: string };

describe('hooks on the command line', () => {
  let database: TestDatabase;
  let app: InProcessApp;
  let pipeline: number;
  before(async () => {
    database = await createTestDatabase('sqlite');
    app = await startInProcessApp({ database });
    pipeline = await createPipeline(app, await createApplication(app, { repository: 'octocat/hello-world' }));
  });
  after(async () => {
    await app.stop();
    await database.drop();
  });
  const open = (t: Parameters<typeof openCli>[0]) =>
    openCli(t, { HOOKLINE_URL: app.url, HOOKLINE_TOKEN: app.api.token ?? '' });
  const now = () => app.clock.now();

  const presets: [preset: string, secret: string | undefined][] = [
    ['github', undefined],
    ['gitea', undefined],
    ['gitlab', undefined],
    ['gitlab', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
    ['bitbucket', undefined],
    ['stripe', 'whsec_of_stripe'],
    ['shopify', 'of shopify'],
    ['slack', 'of slack'],
    ['standard', undefined],
  ];
  for (const [preset, given] of presets)
    test(`send makes a hook of ${preset}${given?.startsWith('whsec_M') ? ' with a signing secret' : ''} run for each sample that it is for`, async (t) => {
      const cli = open(t);
      const isGit = sampleEventNames(preset).includes('push');
      const { id, secret } = await app.api.post<Hook>(`/pipelines/${pipeline}/hooks/incoming`, {
        preset,
        ...(given ? { secret: given } : {}),
        ...(isGit ? { trigger_when: { events: ['push', 'tag', 'pull_request'], branches: ['main'] } } : {}),
      });
      const events = sampleEventNames(preset).filter((event) => !['ping', 'payment_failed'].includes(event));
      assert.ok(events.length > 0);
      for (const event of events) {
        const words = ['hooks', 'send', id, '--event', event, '--json'];
        const end = await cli.run(words, { env: { HOOKLINE_HOOK_SECRET: given ?? secret }, now });
        assert.equal(end.code, 0, `${event}: ${end.stderr}${end.stdout}`);
        assert.ok(end.json<{ action_id: number }>().action_id > 0, event);
        const found = await cli.run(['hooks', 'test', id, '--event', event, '--json']);
        assert.deepEqual([found.code, found.json<TryOut>().outcome], [0, 'accepted'], event);
      }
    });

  test('send puts branch, tag, commit and repository where the hook finds them', async (t) => {
    const cli = open(t);
    const hook = await createIncomingHook(app, pipeline, {
      preset: 'github',
      trigger_when: { events: ['push', 'tag'], branches: ['release'] },
    });
    const commit = 'c'.repeat(40);
    const variables = async (...words: string[]) =>
      (await cli.run(['hooks', 'test', hook.id, ...words, '--json'])).json<TryOut>().variables;
    const pushed = await variables('--commit', commit);
    assert.deepEqual(
      [pushed['source_type'], pushed['source_ref'], pushed['commit_hash'], pushed['repository']],
      ['branch', 'release', commit, 'octocat/hello-world'],
    );
    assert.equal((await variables('--event', 'tag', '--tag', 'v9'))['source_ref'], 'v9');
    assert.equal((await variables('--repository', 'a/b'))['repository'], 'a/b');
  });

  test('test tells conditions one by one, and runs nothing', async (t) => {
    const cli = open(t);
    const hook = await createIncomingHook(app, pipeline, { preset: 'github', name: 'tried' });
    const payload = join(cli.folder, 'payload.json');
    writeFileSync(payload, JSON.stringify({ ref: 'refs/heads/side', after: 'd'.repeat(40) }));
    const end = await cli.run(['hooks', 'test', 'tried', payload]);
    assert.equal(end.code, 6);
    assert.match(end.stdout, /^skipped: Condition 2 of 3/);
    assert.match(end.stdout, /✓ event: x-github-event is push, must be "push"/);
    assert.match(end.stdout, /✗ branch or tag: ref is refs\/heads\/side, must be "refs\/heads\/main"/);
    assert.match(end.stdout, /source_ref +side/);
    const good = await cli.run(['hooks', 'test', 'tried', '-', '-H', 'X-GitHub-Event: push'], {
      input: JSON.stringify({ ref: 'refs/heads/main', after: 'd'.repeat(40) }),
    });
    assert.equal(good.code, 0);
    assert.match(good.stdout, new RegExp(`Pipeline\\n {2}${pipeline} pipeline-`));
    assert.deepEqual(await app.api.get(`/hooks/incoming/${hook.id}/requests`), []);
  });

  test('what was received is listed, read, tried and replayed', async (t) => {
    const cli = open(t);
    const hook = await createIncomingHook(app, pipeline, { preset: 'github' });
    const secret = { HOOKLINE_HOOK_SECRET: hook.secret };
    const ping = await cli.run(['hooks', 'send', hook.id, '--event', 'ping'], { env: secret });
    assert.deepEqual([ping.code, ping.stdout], [0, 'Ping received: the hook is reachable.\n']);
    await cli.succeed(['hooks', 'send', hook.id], { env: secret });
    const skipped = await cli.run(['hooks', 'send', hook.id, '--event', 'tag'], { env: secret });
    assert.equal(skipped.code, 6);
    assert.match(skipped.stdout, /branch or tag/);
    const list = (await cli.succeed(['hooks', 'requests', hook.id, '--json'])).json<
      { id: string; outcome: string }[]
    >();
    assert.deepEqual(
      list.map(({ outcome }) => outcome),
      ['skipped', 'accepted', 'skipped'],
    );
    const accepted = list[1]?.id ?? '';
    assert.match((await cli.succeed(['hooks', 'request', accepted])).stdout, /refs\/heads\/main/);
    assert.equal(
      (await cli.succeed(['hooks', 'test', hook.id, '--request', accepted, '--json'])).json<TryOut>().outcome,
      'accepted',
    );
    const again = await cli.succeed(['hooks', 'replay', accepted, '--json']);
    assert.ok(again.json<{ action_id: number }>().action_id > 0);
    assert.match(again.stderr, /Action \d+ has started\. Watch it/);
  });

  test('a wrong secret is the fault of the sender, and no secret is asked for where there is no terminal', async (t) => {
    const cli = open(t);
    const hook = await createIncomingHook(app, pipeline, { preset: 'github' });
    const wrong = await cli.run(['hooks', 'send', hook.id, '--secret-stdin'], { input: 'wrong\n' });
    assert.equal(wrong.code, 6);
    assert.match(
      wrong.stderr,
      /The hook has refused it: The signature in x-hub-signature-256 does not match/,
    );
    const none = await cli.run(['hooks', 'send', hook.id]);
    assert.equal(none.code, 2);
    assert.match(none.stderr, /--secret-stdin or in HOOKLINE_HOOK_SECRET/);
    const asked = await cli.succeed(['hooks', 'send', hook.id], { answers: [hook.secret] });
    assert.match(asked.stdout, /Action \d+ has started/);
    assert.ok(!`${asked.stdout}${asked.stderr}`.includes(hook.secret));
  });

  test('a new secret is shown once, and the one of before goes on working', async (t) => {
    const cli = open(t);
    const hook = await createIncomingHook(app, pipeline, { preset: 'github' });
    const { secret } = (await cli.succeed(['hooks', 'rotate-secret', hook.id, '--json'])).json<Hook>();
    assert.notEqual(secret, hook.secret);
    for (const one of [hook.secret, secret])
      await cli.succeed(['hooks', 'send', hook.id, '--secret-stdin'], { input: one });
  });

  test('a hook without a preset is sent a file, signed as the hook says, byte by byte', async (t) => {
    const cli = open(t);
    const hook = await createIncomingHook(app, pipeline, {
      signature_scheme: 'hmac',
      secret_algorithm: 'sha512',
      secret_header_name: 'x-acme',
      signature_encoding: 'base64',
    });
    const payload = join(cli.folder, 'payload.json');
    writeFileSync(payload, '{ "n": 12345678901234567890,\n "é": 1 }\n');
    await cli.succeed(['hooks', 'send', hook.id, payload], { env: { HOOKLINE_HOOK_SECRET: hook.secret } });
    const none = await cli.run(['hooks', 'send', hook.id]);
    assert.deepEqual([none.code, /no preset/.test(none.stderr)], [2, true]);
    const unknown = await cli.run(['hooks', 'test', hook.id, payload, '--event', 'push']);
    assert.equal(unknown.code, 2);
  });

  test('a sample that there is not is refused with those there are, and an outgoing hook takes none', async (t) => {
    const cli = open(t);
    const hook = await createIncomingHook(app, pipeline, { preset: 'github' });
    const end = await cli.run(['hooks', 'send', hook.id, '--event', 'party']);
    assert.deepEqual(
      [end.code, end.stderr],
      [2, 'hookline: There is no sample of "party" for github; there are push, tag, pull_request, ping.\n'],
    );
    const outgoing = await createOutgoingHook(app, pipeline, 'https://example.com');
    const out = await cli.run(['hooks', 'send', outgoing]);
    assert.equal(out.code, 2);
    assert.match(out.stderr, /is an outgoing hook; see what it would send: hookline hooks preview/);
  });

  test('deliveries are listed, read and sent again', async (t) => {
    const cli = open(t);
    const id = await createOutgoingHook(app, pipeline, `${app.url}/nowhere`, { name: 'told' });
    await app.api.post(`/pipelines/${pipeline}/actions`, {});
    const list = async () =>
      (await cli.succeed(['deliveries', 'list', 'told', '--json'])).json<{ id: string; status: string }[]>();
    const [delivery] = await until(async () => {
      const found = await list();
      return found.length > 0 && found.every(({ status }) => status === 'rejected') && found;
    }, 'what was answered');
    const shown = await cli.succeed(['deliveries', 'get', 'told', delivery?.id ?? '']);
    assert.match(shown.stdout, /^Event +action\.\w+$/m);
    await cli.succeed(['deliveries', 'redeliver', id, delivery?.id ?? '', '--content', 'original']);
    await cli.succeed(['deliveries', 'recover', 'told', '--since', '2026-01-01T00:00:00Z']);
    assert.match((await cli.succeed(['deliveries', 'recoveries', 'told'])).stdout, /running|completed/);
    const wrong = await cli.run(['deliveries', 'redeliver', id, 'first']);
    assert.deepEqual([wrong.code, wrong.stderr], [2, 'hookline: "first" is not the id of a delivery.\n']);
  });
});
