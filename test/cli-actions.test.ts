import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { createLogCleaner } from '../src/cli/client/log-text.ts';
import { openCli } from './support/cli.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { createApplication, createPipeline } from './support/fixtures.ts';
import { startInProcessApp, type InProcessApp } from './support/in-process-app.ts';

type Run = { id: number; status: string };

describe('actions on the command line', () => {
  let database: TestDatabase;
  let app: InProcessApp;
  let application: { id: number };
  before(async () => {
    database = await createTestDatabase('sqlite');
    app = await startInProcessApp({ database });
    application = await createApplication(app);
  });
  after(async () => {
    await app.stop();
    await database.drop();
  });
  const open = (t: Parameters<typeof openCli>[0]) =>
    openCli(t, { HOOKLINE_URL: app.url, HOOKLINE_TOKEN: app.api.token ?? '' });
  const red = '\u001b[31mred\u001b[0m';

  test('run --follow shows the output of each step and ends with 0 when the action has completed', async (t) => {
    const cli = open(t);
    await createPipeline(
      app,
      application,
      ['echo "for $HOOKLINE_VAR_REGION and $HOOKLINE_VAR_N"', "printf 'no end'"],
      {
        name: 'good',
      },
    );
    const end = await cli.run(['actions', 'run', 'good', '--var', 'region=eu=1', '--var', 'n=', '--follow']);
    assert.equal(end.code, 0, end.stderr);
    assert.match(
      end.stdout,
      /^==> local, step 1\nfor eu=1 and \ncompleted {2}local, step 1 .*\n==> local, step 2\nno end\ncompleted {2}local, step 2 .*\n$/,
    );
    assert.match(end.stderr, /^Action \d+: Deploy app-.*\nAction \d+ completed after 0 s: Completed\.\n$/);
  });

  test('run --follow ends with 6 when the action has failed, and says why', async (t) => {
    const cli = open(t);
    const id = await createPipeline(app, application, ['exit 3'], { name: 'bad' });
    const end = await cli.run(['actions', 'run', String(id), '--follow']);
    assert.equal(end.code, 6);
    assert.match(end.stderr, /failed after 0 s: Step 1 on local exited with code 3\.\n$/);
    const watched = await cli.run(['actions', 'watch', /Action (\d+)/.exec(end.stderr)?.[1] ?? '']);
    assert.equal(watched.code, 6);
    assert.equal(watched.stdout, 'in-progress  local, step 1\nfailed  local, step 1  0 s\n');
    const retried = await cli.run([
      'actions',
      'retry',
      /Action (\d+)/.exec(end.stderr)?.[1] ?? '',
      '--follow',
    ]);
    assert.equal(retried.code, 6);
    const logs = await cli.run(['actions', 'logs', /Action (\d+)/.exec(end.stderr)?.[1] ?? '', '-f']);
    assert.equal(logs.code, 0, 'who reads the output has read it');
  });

  test('run without --follow says which action it is, to people and to programs', async (t) => {
    const cli = open(t);
    await createPipeline(app, application, ['true'], { name: 'quick' });
    assert.match(
      (await cli.succeed(['actions', 'run', 'quick'])).stdout,
      /^Action \d+ has started\. Watch it: hookline actions watch \d+\n$/,
    );
    const json = await cli.succeed([
      'actions',
      'run',
      'quick',
      '--branch',
      'side',
      '--comment',
      'why',
      '--json',
    ]);
    const { id, trigger_comment } = json.json<{ id: number; trigger_comment: string }>();
    assert.ok(id > 0);
    assert.equal(trigger_comment, 'why');
    for (const words of [
      ['--branch', 'a', '--tag', 'b'],
      ['--var', 'x'],
      ['--server', 'nowhere'],
    ]) {
      const end = await cli.run(['actions', 'run', 'quick', ...words]);
      assert.ok(end.code === 2 || end.code === 4, `${words.join(' ')}: ${end.code}`);
    }
  });

  test('logs keep their colours on a terminal alone, and --no-color takes them away there too', async (t) => {
    const cli = open(t);
    await createPipeline(app, application, [`printf '${red}\\033[2J\\033]0;title\\007 plain\\n'`], {
      name: 'bright',
    });
    const { id } = (await cli.succeed(['actions', 'run', 'bright', '--json'])).json<Run>();
    await cli.succeed(['actions', 'watch', String(id)]);
    const logs = ['actions', 'logs', String(id)];
    assert.ok((await cli.succeed(logs)).stdout.includes('red plain\n'));
    assert.ok((await cli.succeed(logs, { columns: 80 })).stdout.includes(`${red} plain\n`));
    assert.ok((await cli.succeed([...logs, '-f'], { columns: 80 })).stdout.includes(`${red} plain\n`));
    const asIs = await cli.succeed([...logs, '--no-color'], { columns: 80 });
    assert.equal(asIs.stdout, 'red plain\n');
    const followed = await cli.succeed([...logs, '-f', '--no-color'], { columns: 80 });
    assert.match(followed.stdout, /^red plain$/m);
    assert.equal((await cli.succeed([...logs, '--step', '1'])).stdout, 'red plain\n');
    const events = (await cli.succeed([...logs, '-f', '--json'])).stdout.trim().split('\n');
    assert.deepEqual(
      events
        .map((line) => (JSON.parse(line) as { type: string }).type)
        .filter((type) => type === 'log' || type === 'end'),
      ['log', 'end'],
    );
  });

  test('a running action is watched by one, cancelled by another, and ctrl-C only ends the watching', async (t) => {
    const cli = open(t);
    const gate = join(cli.folder, 'gate');
    await createPipeline(app, application, [`echo begun; until [ -e '${gate}' ]; do sleep 0.05; done`], {
      name: 'long',
    });
    const { id } = (await cli.succeed(['actions', 'run', 'long', '--json'])).json<Run>();
    const controller = new AbortController();
    const seen = Promise.withResolvers<void>();
    const left = cli.run(['actions', 'logs', String(id), '-f'], {
      signal: controller.signal,
      onOutput: (output) => output.includes('begun') && seen.resolve(),
    });
    await seen.promise;
    controller.abort();
    assert.equal((await left).code, 130);
    assert.equal((await app.api.get<Run>(`/actions/${id}`)).status, 'in-progress');
    const watching = cli.run(['actions', 'watch', String(id)]);
    const cancelled = await cli.succeed(['actions', 'cancel', String(id)]);
    assert.match(cancelled.stdout, /^ID +\d+\nStatus +/);
    const end = await watching;
    assert.equal(end.code, 6);
    assert.match(end.stderr, /Cancelled by /);
    writeFileSync(gate, '');
  });

  test('an action that there is not, or that is none, is told', async (t) => {
    const cli = open(t);
    for (const command of ['logs', 'watch', 'cancel', 'retry']) {
      assert.equal((await cli.run(['actions', command, '999999'])).code, 4, command);
      const wrong = await cli.run(['actions', command, 'latest']);
      assert.deepEqual(
        [wrong.code, wrong.stderr],
        [2, 'hookline: "latest" is not the id of an action.\n'],
        command,
      );
    }
  });
});

test('a log loses what steers a terminal and keeps its colours, wherever it is cut into pieces', () => {
  const part = fc.oneof(
    fc.constantFrom(
      '\u001b[31m',
      '\u001b[0m',
      '\u001b[2J',
      '\u001b]0;t\u0007',
      '\u001b]8;;x\u001b\\',
      '\u001b(B',
      '\u001bc',
      '\n',
      '\u0007',
      '\u009b2J',
    ),
    fc.string({ unit: fc.constantFrom('a', 'é', '€', ' ', '1', '[', 'm') }),
  );
  fc.assert(
    fc.property(fc.array(part), fc.array(fc.nat(200)), (parts, cuts) => {
      const text = parts.join('');
      for (const keep of [true, false]) {
        const whole = createLogCleaner(keep)(text);
        const clean = createLogCleaner(keep);
        const ends = [...cuts.map((cut) => cut % (text.length + 1)), text.length].sort((a, b) => a - b);
        const pieces = ends.map((end, at) => clean(text.slice(ends[at - 1] ?? 0, end)));
        assert.equal(pieces.join(''), whole);
        // eslint-disable-next-line no-control-regex
        const rest = keep ? whole.replace(/\u001b\[[\d;:]*m/g, '') : whole;
        // eslint-disable-next-line no-control-regex
        assert.doesNotMatch(rest, /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/);
      }
    }),
  );
});
