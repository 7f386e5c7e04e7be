import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { operations, type Field } from '#sdk/operations';
import { openCli } from './support/cli.ts';

type Seen = { method: string; path: string; query: [string, string][]; body: string; token: string };

/** A value that the document allows, in the text that a person types. */
function sample({ name, types, values }: Field): string {
  if (values) return String(values[0]);
  if (types.includes('integer') || types.includes('number')) return '7';
  if (types.includes('boolean')) return 'true';
  return name.endsWith('_id') ? '01938f2c-7b1d-7c5a-9f3e-6a4b2c1d0e9f' : 'some text';
}

describe('hookline call', () => {
  const seen: Seen[] = [];
  let server: Server;
  let url: string;
  before(async () => {
    server = createServer((request, response) => {
      void text(request).then((body) => {
        const { pathname, searchParams } = new URL(request.url ?? '', 'http://any');
        const token = request.headers.authorization ?? '';
        seen.push({ method: request.method ?? '', path: pathname, query: [...searchParams], body, token });
        response.writeHead(204).end();
      });
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => void server.close());

  test('reaches each operation of the document with each of its parameters and its body', async (t) => {
    const cli = openCli(t, { HOOKLINE_URL: url, HOOKLINE_TOKEN: 'hl_pat_test' });
    for (const facts of operations) {
      seen.length = 0;
      const parameters = [...facts.path_parameters, ...facts.query_parameters];
      const inPath = new Set(facts.path_parameters.map(({ name }) => name));
      const given = parameters
        // `--param` says a name that is in both but once, for the path.
        .filter((field, at) => at < inPath.size || !inPath.has(field.name))
        .flatMap((field) => ['--param', `${field.name}=${sample(field)}`]);
      const body = facts.body ? JSON.stringify(facts.example ?? { any: 'thing' }) : null;
      const words = ['call', facts.id, ...given, ...(body === null ? [] : ['--body', body])];
      const end = await cli.run(words);
      assert.equal(end.code, 0, `${words.join(' ')}: ${end.stderr}`);
      const [request] = seen;
      assert.ok(request, facts.id);
      const path = facts.path.replace(/\{(\w+)\}/g, (_all, name: string) => {
        const field = facts.path_parameters.find((one) => one.name === name);
        return encodeURIComponent(sample(field ?? assert.fail(name)));
      });
      assert.equal(`${request.method} ${request.path}`, `${facts.method} /api${path}`);
      assert.deepEqual(
        Object.fromEntries(request.query),
        Object.fromEntries(
          facts.query_parameters
            .filter(({ name }) => !inPath.has(name))
            .map((field) => [field.name, sample(field)]),
        ),
        facts.id,
      );
      assert.equal(request.body, body ?? '', facts.id);
      if (!facts.isPublic) assert.equal(request.token, 'Bearer hl_pat_test', facts.id);
    }
  });

  test('has a flag for each parameter and says which one is missing', async (t) => {
    const cli = openCli(t, { HOOKLINE_URL: url, HOOKLINE_TOKEN: 'x' });
    seen.length = 0;
    await cli.succeed([
      'api',
      'listPipelineActions',
      '--pipeline-id',
      '7',
      '--status',
      'failed',
      '--search',
      'a&b',
    ]);
    assert.deepEqual(seen[0]?.query, [
      ['status', 'failed'],
      ['search', 'a&b'],
    ]);
    const missing = await cli.run(['call', 'getPipeline']);
    assert.deepEqual([missing.code, missing.stderr], [2, 'hookline: Missing: --pipeline-id.\n']);
    const wrong = await cli.run(['call', 'getPipeline', '--pipeline-id', 'seven']);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /--pipeline-id is a whole number, not "seven"/);
    const unknown = await cli.run(['call', 'getPipelin']);
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /Did you mean getPipeline\?/);
    const parameter = await cli.run(['call', 'getPipeline', '--param', 'id=3']);
    assert.match(parameter.stderr, /getPipeline has pipeline_id/);
    assert.equal(seen.length, 1, 'what is faulty is not sent');
  });

  test('makes a body of flags, --set, a file and standard input', async (t) => {
    const cli = openCli(t, { HOOKLINE_URL: url, HOOKLINE_TOKEN: 'x' });
    const bodyOf = async (words: string[], input?: string) => {
      seen.length = 0;
      await cli.succeed(['call', 'updatePipeline', '--pipeline-id', '7', ...words], { input });
      return JSON.parse(seen[0]?.body ?? '') as unknown;
    };
    assert.deepEqual(await bodyOf(['--name', 'x', '--max-parallel-actions', '2', '--no-default-steps']), {
      name: 'x',
      max_parallel_actions: 2,
      default_steps: false,
    });
    assert.deepEqual(
      await bodyOf([
        '--timeout-seconds',
        'null',
        '--set',
        'trigger_when.conditions.0.path=ref',
        '--set',
        'trigger_when.n=1',
      ]),
      { timeout_seconds: null, trigger_when: { conditions: [{ path: 'ref' }], n: 1 } },
    );
    assert.deepEqual(await bodyOf(['--file', '-', '--name', 'y'], 'name: x\nwhen_waiting: queue\n'), {
      name: 'y',
      when_waiting: 'queue',
    });
    assert.deepEqual(await bodyOf(['--set', 'name=@-'], 'from a pipe\n'), { name: 'from a pipe' });
    for (const words of [
      ['--set', 'x'],
      ['--set', '__proto__.a=1'],
      ['--set', 'a=1', '--set', 'a.b=2'],
      ['--set', 'a.1=2'],
      ['--file', '/nowhere'],
      ['--file', '-', '--set', 'a=@-'],
      ['--max-parallel-actions', 'many'],
      ['--when-waiting', 'sleep'],
    ]) {
      seen.length = 0;
      const end = await cli.run(['call', 'updatePipeline', '--pipeline-id', '7', ...words], { input: '{}' });
      assert.equal(end.code, 2, words.join(' '));
      assert.equal(seen.length, 0, words.join(' '));
    }
  });
});
