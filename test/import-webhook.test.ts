import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { conditionsOf } from '../src/cli/client/import-webhook/conditions.ts';
import type { Formula, Literal } from '../src/cli/client/import-webhook/formula.ts';
import { readHooks } from '../src/cli/client/import-webhook/read-hooks.ts';
import { readRule } from '../src/cli/client/import-webhook/rules.ts';
import { literalVariable } from '../src/cli/client/import-webhook/script.ts';
import type { HookVariable, IncomingCondition } from '../src/hooks/definition.ts';
import { unmetCondition } from '../src/incoming/conditions.ts';
import { extractVariables } from '../src/incoming/extract.ts';
import { openCli, type Cli } from './support/cli.ts';
import { openWorkplace, untilAction, type Receipt, type Workplace } from './support/fixtures.ts';
import { holds } from './support/fuzz.ts';
import { startServer, type TestServer } from './support/server.ts';

/* Hooks files here are written for these tests, after the documentation of adnanh/webhook 2.8. */

type Note = { line: number; field: string; kind: 'missing' | 'differs'; blocks: boolean; text: string };
type Imported = {
  id: string;
  line: number;
  active: boolean;
  notes: Note[];
  pipeline_id: number;
  hook_id: string;
  url: string;
};

const secret = "nobody's but the sender's";
const folder = mkdtempSync(join(tmpdir(), 'hookline-import-'));
after(() => rm(folder, { recursive: true, force: true }));

/** Writes down how it was called: its arguments, what of its environment is meant for it, and the files. */
const program = `#!/bin/bash
{
  printf 'folder=%s\\n' "$PWD"
  for one in "$@"; do printf 'argument=%s\\n' "$one"; done
  env | grep -E '^(HOOK_|COUNT=|FIXED=|HOOK_FILE)' | sort | sed 's#=/.*#=a file#'
  [ -z "$PICTURE" ] || printf 'picture=%s\\n' "$(base64 <"$PICTURE")"
  [ -z "$ALL" ] || printf 'all=%s\\n' "$(cat "$ALL")"
} >"${folder}/ran"
`;

const file = (name: string) => join(folder, name);
const match = (fields: object, source: string, name: string) => ({
  match: { ...fields, parameter: { source, name } },
});

/** Each `not` doubles what webhook's order of evaluation makes of the rest. */
function deepRule(levels: number): object {
  const one = match({ type: 'value', value: 'a' }, 'payload', `x${levels}`);
  return levels === 0
    ? one
    : {
        not: { and: [one, deepRule(levels - 1), match({ type: 'value', value: 'b' }, 'url', `y${levels}`)] },
      };
}

describe('an import of the hooks of adnanh/webhook', { timeout: 600_000 }, () => {
  const ends = new AsyncDisposableStack();
  after(() => ends.disposeAsync());
  let server: TestServer;
  let work: Workplace;
  let cli: Cli;

  before(async () => {
    server = ends.adopt(await startServer(), (started) => started.stop());
    work = await openWorkplace(server);
    cli = openCli(
      { after: (end) => ends.defer(() => void (end as () => void)()) },
      { HOOKLINE_URL: server.url, HOOKLINE_TOKEN: work.api.token ?? '', SECRET_OF_TEMPLATE: secret },
    );
    await writeFile(file('record.sh'), program, { mode: 0o755 });
  });

  async function write(name: string, hooks: unknown): Promise<string> {
    await writeFile(file(name), typeof hooks === 'string' ? hooks : JSON.stringify(hooks, null, 2));
    return file(name);
  }

  async function importAll(hooks: unknown, words: string[] = []): Promise<Imported[]> {
    const path = await write('hooks.json', hooks);
    const application = `webhook ${Math.random().toString(36).slice(2)}`;
    const end = await cli.run(['import', 'webhook', path, '--json', '--application', application, ...words]);
    assert.ok([0, 7].includes(end.code), end.stderr);
    return end.json<Imported[]>();
  }

  /** As the senders that webhook is used with: a body, a signature over it, parameters of the address. */
  async function send(
    { url }: Imported,
    body: string,
    {
      headers = {},
      query = '',
      signed = true,
    }: { headers?: Record<string, string>; query?: string; signed?: boolean } = {},
  ): Promise<{ status: number; body: Receipt }> {
    const signature = createHmac('sha256', secret).update(body).digest('hex');
    const response = await fetch(`${server.url}${new URL(url).pathname}${query}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(signed ? { 'x-hub-signature-256': `sha256=${signature}` } : {}),
        ...headers,
      },
      body,
    });
    // The one cast: assertions look at what is in it.
    return { status: response.status, body: (await response.json()) as Receipt };
  }

  async function ran(
    hook: Imported,
    body: string,
    options: Parameters<typeof send>[2] = {},
  ): Promise<string[] | null> {
    await rm(file('ran'), { force: true });
    const answer = await send(hook, body, options);
    assert.equal(answer.status, 202, JSON.stringify(answer.body));
    const action = await untilAction(work, answer.body.action_id ?? assert.fail('no action'));
    assert.equal(action.status, 'completed', action.status_reason_human_readable);
    return await readFile(file('ran'), 'utf8').then(
      (text) => text.trimEnd().split('\n'),
      () => null,
    );
  }

  test('runs the same program with the same arguments, environment and files, under the same rule', async () => {
    const [hook] = await importAll([
      {
        id: 'redeploy',
        'execute-command': 'record.sh',
        'command-working-directory': folder,
        'pass-arguments-to-command': [
          { source: 'payload', name: 'head_commit.id' },
          { source: 'string', name: 'it\'s $HOME; `x` \\ "q"' },
          { source: 'header', name: 'X-Github-Event' },
          { source: 'url', name: 'env' },
          { source: 'payload', name: 'commits.1' },
          { source: 'payload', name: 'nowhere' },
          { source: 'payload', name: 'number' },
          { source: 'payload', name: 'yes' },
          { source: 'request', name: 'method' },
          { source: 'raw-request-body' },
        ],
        'pass-environment-to-command': [
          { source: 'payload', name: 'head_commit.timestamp' },
          { source: 'payload', name: 'number', envname: 'COUNT' },
          { source: 'payload', name: 'nowhere', envname: 'HOOK_NOWHERE' },
          { source: 'string', name: 'a b', envname: 'FIXED' },
        ],
        'pass-file-to-command': [
          { source: 'payload', name: 'picture', envname: 'PICTURE', base64decode: true },
          { source: 'entire-payload', name: 'x', envname: 'ALL' },
          { source: 'payload', name: 'nowhere', envname: 'HOOK_FILE_NOWHERE' },
        ],
        'trigger-rule': {
          and: [
            match({ type: 'payload-hmac-sha256', secret }, 'header', 'X-Hub-Signature-256'),
            match({ type: 'value', value: 'refs/heads/main' }, 'payload', 'ref'),
            {
              or: [
                match({ type: 'value', value: 'push' }, 'header', 'X-GitHub-Event'),
                match({ type: 'regex', regex: '^(yes|)$' }, 'url', 'force'),
              ],
            },
            { not: match({ type: 'regex', regex: 'skip ci' }, 'payload', 'head_commit.message') },
          ],
        },
      },
    ]);
    assert.ok(hook?.active, JSON.stringify(hook?.notes));
    const payload = {
      ref: 'refs/heads/main',
      head_commit: { id: '4f2d "$(id)"', timestamp: '2026-11-21', message: 'fine' },
      commits: [{}, { id: 'é', list: [1, null] }],
      number: 12345678901234567890n,
      yes: true,
      picture: Buffer.from([0xff, 0xfe]).toString('base64'),
    };
    const body = JSON.stringify(payload, (_key, value: unknown) =>
      typeof value === 'bigint' ? JSON.rawJSON(String(value)) : value,
    );
    const push = { 'x-github-event': 'push' };
    assert.deepEqual(await ran(hook, body, { headers: push, query: '?env=live' }), [
      `folder=${folder}`,
      'argument=4f2d "$(id)"',
      'argument=it\'s $HOME; `x` \\ "q"',
      'argument=push',
      'argument=live',
      'argument={"id":"é","list":[1,null]}',
      'argument=',
      'argument=12345678901234567890',
      'argument=true',
      'argument=POST',
      `argument=${body}`,
      'COUNT=12345678901234567890',
      'FIXED=a b',
      'HOOK_head_commit.timestamp=2026-11-21',
      'picture=//4=',
      `all=${body}`,
    ]);
    const left = (await readdir(folder)).filter((name) => /^(PICTURE|ALL)/.test(name));
    assert.deepEqual(left, [], 'files are left behind');

    // The other half of the "or", an empty match included, and neither.
    for (const query of ['?force=yes', '?force='])
      assert.notEqual(await ran(hook, body, { headers: { 'x-github-event': 'ping me' }, query }), null);
    assert.equal(
      await ran(hook, body, { headers: { 'x-github-event': 'issues' }, query: '?force=no' }),
      null,
    );
    const skipped = [
      { ...payload, ref: 'refs/heads/dev', number: 1 },
      { ...payload, head_commit: { ...payload.head_commit, message: '[skip ci]' }, number: 1 },
      { ...payload, head_commit: {}, number: 1 },
    ];
    for (const one of skipped) {
      const answer = await send(hook, JSON.stringify(one), { headers: push });
      assert.deepEqual([answer.status, answer.body.action_id], [200, null], answer.body.message);
    }
    assert.equal((await send(hook, body, { headers: push, signed: false })).status, 401);
  });

  test("takes a GitLab token for a signature, a list as root, and JSON in a form's payload for the body", async () => {
    const [token, root, form] = await importAll([
      {
        id: 'gitlab',
        'execute-command': file('record.sh'),
        'trigger-rule': match({ type: 'value', value: secret }, 'header', 'X-Gitlab-Token'),
      },
      {
        id: 'sendgrid',
        'execute-command': file('record.sh'),
        'pass-arguments-to-command': [{ source: 'payload', name: 'root.0.event' }],
      },
      {
        id: 'old bitbucket',
        'execute-command': file('record.sh'),
        'parse-parameters-as-json': [{ source: 'payload', name: 'payload' }],
        'pass-arguments-to-command': [{ source: 'payload', name: 'payload.commits.0.branch' }],
      },
    ]);
    assert.ok(token && root && form);
    assert.equal(
      (await send(token, '{}', { signed: false, headers: { 'x-gitlab-token': 'no' } })).status,
      401,
    );
    assert.ok(await ran(token, '{}', { signed: false, headers: { 'x-gitlab-token': secret } }));
    assert.ok((await ran(root, '[{"event":"processed"}]'))?.includes('argument=processed'));
    const body = `payload=${encodeURIComponent('{"commits":[{"branch":"master"}]}')}`;
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    assert.ok((await ran(form, body, { headers }))?.includes('argument=master'));
  });

  test('can be run again: what is there stays, what is missing is made', async () => {
    const one = { id: 'one', 'execute-command': '/bin/true' };
    const path = await write('again.json', [one]);
    const words = ['import', 'webhook', path, '--json', '--application', 'again'];
    const [first] = (await cli.succeed(words)).json<(Imported & { is_new: boolean })[]>();
    await write('again.json', [one, { id: 'two', 'execute-command': '/bin/true' }]);
    const both = (await cli.succeed(words)).json<(Imported & { is_new: boolean })[]>();
    assert.deepEqual(
      both.map(({ is_new }) => is_new),
      [false, true],
    );
    assert.equal(both[0]?.hook_id, first?.hook_id);
  });

  test('tells what it has made when it fails in between', async () => {
    const path = await write('hooks.json', [
      { id: 'made', 'execute-command': '/bin/true' },
      { id: 'refused', 'execute-command': 'x'.repeat(70_000) },
    ]);
    const end = await cli.run(['import', 'webhook', path, '--application', 'in between']);
    assert.equal(end.code, 1);
    assert.match(end.stderr, /^Made before it failed: made\. Run it again/m);
    assert.match(end.stderr, /^ {2}steps\.0\.command: /m);
  });

  test('makes nothing when the server refuses, or the file is none', async () => {
    const count = async () =>
      (await work.api.get<unknown[]>(`/environments/${work.environmentId}/applications?per_page=100`)).length;
    const before_ = await count();
    const cases: [text: string, code: number, said: RegExp][] = [
      ['[{"id": "x",\n "execute-command" "y" }]', 1, /hooks\.json:2: /],
      ['{"id": "x"}', 1, /must be a list/],
      ['', 1, /must be a list/],
      ['[]', 1, /has no hooks/],
      ['[1]', 1, /:1: A hook must be an object/],
      ['[{"execute-command": "/bin/true"}]', 1, /line 1: no id/],
      ['[{"id": "x"}]', 1, /x has no execute-command/],
      [
        '[{"id":"a","execute-command":"b"},\n{"id":"a","execute-command":"b"}]',
        1,
        /:2: The id "a" is there twice/,
      ],
      ['[{"id":"a","execute-command":"{{ getenv "X" | js }}"}]', 2, /Add --template/],
      [`[${'['.repeat(5000)}${']'.repeat(5000)}]`, 1, /./],
      // Each alias is ten of the one before.
      [
        `- &a [1,1,1,1,1,1,1,1,1,1]\n${'bcdefghi'.replaceAll(/./g, (name, at: number) => `- &${name} [${Array(10).fill(`*${'abcdefgh'[at]}`).join(', ')}]\n`)}`,
        1,
        /too large/,
      ],
      [' '.repeat(5_000_000), 1, /more than 4194304 bytes/],
    ];
    for (const [text, code, said] of cases) {
      const end = await cli.run(['import', 'webhook', await write('hooks.json', text)]);
      assert.deepEqual([end.code, end.stdout], [code, ''], end.stderr.slice(0, 300));
      assert.match(end.stderr, said);
      assert.doesNotMatch(end.stderr, /\n\s+at /, 'a stack');
    }
    const piped = await cli.run(['import', 'webhook', '-', '--dry-run'], {
      input: '[{"id":"a","execute-command":"/bin/true"}]',
    });
    assert.deepEqual([piped.code, /^a {2}-:1 {2}active$/m.test(piped.stdout)], [0, true], piped.stdout);
    const nowhere = await cli.run(['import', 'webhook', file('nowhere.json')]);
    assert.deepEqual([nowhere.code, /cannot be read/.test(nowhere.stderr)], [4, true]);
    assert.equal(await count(), before_);
  });

  test('reads YAML, keys in any case, tabs, commas at the end, and numbers as values', async () => {
    const path = await write(
      'hooks.yaml',
      [
        '- ID: yaml   # as Go reads it',
        '  execute-command: /bin/true',
        '  trigger-rule: &one { match: { type: value, value: 1, parameter: { source: payload, name: n } } }',
        '- &two { id: alias, execute-command: /bin/true, trigger-rule: { not: *one } }',
        '- { <<: *two, id: merged }',
      ].join('\n'),
    );
    const end = await cli.run(['import', 'webhook', path, '-o', '-']);
    assert.match(end.stdout, /accepted_values:\n\s+- "1"/);
    assert.equal(end.stdout.match(/not: true/g)?.length, 2, end.stdout);
    assert.match(end.stdout, /name: merged\n/);
    const odd =
      '[\n\t{ "id": "odd",\n\t\t"execute-command": "/bin/true", "trigger-rule": { "and": [ "or": [ {"match": {"type": "value", "value": "a", "parameter": {"source": "payload", "name": "n"}}}, ] ] }, },\n]';
    const other = await cli.run(['import', 'webhook', await write('odd.json', odd), '-o', '-']);
    assert.match(other.stdout, /path: n\n\s+accepted_values:\n\s+- a\n/, other.stderr);
  });

  test('fills in templates, but leaves secrets where they are kept', async () => {
    const path = await write(
      'hooks.tmpl',
      `{{/* ours */}}[{"id": "{{ getenv "ID_OF_TEMPLATE" | js }}", "execute-command": "/bin/true", "trigger-rule":
        {"match": {"type": "payload-hmac-sha256", "secret": "{{ getenv "SECRET_OF_TEMPLATE" | js }}", "parameter": {"source": "header", "name": "X-Hub-Signature-256"}}}}]`,
    );
    const env = { ID_OF_TEMPLATE: 'from the template' };
    const words = ['import', 'webhook', path, '--template'];
    const written = await cli.run([...words, '-o', '-'], { env });
    assert.match(written.stdout, /name: from the template\n/);
    assert.match(written.stdout, /secret:\n\s+env: SECRET_OF_TEMPLATE\n/);
    const [hook] = (await cli.succeed([...words, '--json', '--application', 'templates'], { env })).json<
      Imported[]
    >();
    assert.equal((await send(hook!, '{}')).status, 202);
    const without = await cli.run(words, { env: { ...env, SECRET_OF_TEMPLATE: '' } });
    assert.deepEqual(
      [without.code, /SECRET_OF_TEMPLATE, which is not there/.test(without.stderr)],
      [1, true],
    );
    await write('hooks.tmpl', '[\n{{ range .Hooks }}{{ end }}]');
    const other = await cli.run(words, { env });
    assert.equal(other.code, 1);
    assert.match(other.stderr, /hooks\.tmpl:2: \{\{ range \.Hooks \}\}: of templates only getenv/);
  });

  test('writes a file that "hookline apply" takes, once, and with the secret from where the report says', async () => {
    const path = await write('hooks.json', [
      {
        id: 'by file/1',
        'execute-command': 'record.sh',
        'command-working-directory': folder,
        'pass-arguments-to-command': [{ source: 'payload', name: 'head.id' }],
        'trigger-rule': match({ type: 'payload-hmac-sha256', secret }, 'header', 'X-Hub-Signature-256'),
      },
    ]);
    const output = file('applied.yaml');
    const report = await cli.run(['import', 'webhook', path, '-o', output, '--application', 'applied']);
    assert.equal(report.code, 0, report.stdout);
    const [, name = ''] = /the variable (WEBHOOK_\w+)/.exec(report.stdout) ?? [];
    const env = { [name]: secret };
    await cli.succeed(['apply', '-f', output, '--yes'], { env });
    await cli.succeed(['apply', '-f', output, '--dry-run'], { env });
    const hooks = await work.api.get<{ id: string; name: string; url: string }[]>(
      `/environments/${work.environmentId}/hooks?per_page=100`,
    );
    const made = hooks.find((one) => one.name === 'by file/1') ?? assert.fail('it is not there');
    // Safe: what is read of it is the address.
    assert.ok((await ran(made as unknown as Imported, '{"head":{"id":7}}'))?.includes('argument=7'));
  });

  test('never shows or writes a secret, whatever is asked for', async () => {
    const hooks = [
      {
        id: 'signed',
        'execute-command': '/bin/true',
        'trigger-rule': {
          or: [
            match({ type: 'payload-hmac-sha256', secret }, 'header', 'X-Hub-Signature-256'),
            match({ type: 'payload-hmac-sha1', secret: `${secret} of before` }, 'header', 'X-Hub-Signature'),
            match({ type: 'scalr-signature', secret: `${secret} of Scalr` }, 'header', 'x'),
          ],
        },
      },
      {
        id: 'short',
        'execute-command': '/bin/true',
        'trigger-rule': match({ type: 'payload-hmac-sha1', secret: 'shrt42' }, 'header', 'X-S'),
      },
      {
        id: 'address',
        'execute-command': '/bin/true',
        'trigger-rule': match({ type: 'value', value: secret }, 'url', 'token'),
      },
    ];
    const path = await write('hooks.json', hooks);
    const output = file('secrets.yaml');
    const ways = [
      ['--dry-run'],
      ['--dry-run', '--json'],
      ['-o', output],
      ['-o', '-'],
      ['--application', 'never shown'],
    ];
    for (const words of ways) {
      const end = await cli.run(['import', 'webhook', path, ...words]);
      assert.equal(end.code, 7, end.stderr);
      for (const text of [end.stdout, end.stderr])
        for (const one of [secret, 'shrt42']) assert.ok(!text.includes(one), `${words.join(' ')} shows it`);
    }
    const text = await readFile(output, 'utf8');
    assert.ok(!text.includes(secret) && !text.includes('shrt42'));
    assert.match(text, /env: WEBHOOK_SECRET_SIGNED/);
    const again = await cli.run(['import', 'webhook', path, '-o', output]);
    assert.deepEqual([again.code, /is there already/.test(again.stderr)], [2, true]);
    assert.equal((await cli.run(['import', 'webhook', path, '-o', output, '--force'])).code, 7);
    assert.equal((await stat(output)).mode & 0o777, 0o644);
  });

  const told: [
    what: string,
    hook: object,
    notes: [field: string, kind: Note['kind'], text: RegExp][],
    active: boolean,
  ][] = [
    ['a message', { 'response-message': 'x' }, [['response-message', 'missing', /^The answer is/]], true],
    [
      'headers of the answer',
      { 'response-headers': [{ name: 'a', value: 'b' }] },
      [['response-headers', 'missing', /no headers of your own/]],
      true,
    ],
    [
      'a status',
      { 'success-http-response-code': 201 },
      [['success-http-response-code', 'missing', /202/]],
      true,
    ],
    [
      'output in the answer',
      { 'include-command-output-in-response': true },
      [['include-command-output-in-response', 'missing', /before the program runs/]],
      true,
    ],
    [
      'output after a failure',
      { 'include-command-output-in-response-on-error': true },
      [['include-command-output-in-response-on-error', 'missing', /before/]],
      true,
    ],
    ['no output in the answer', { 'include-command-output-in-response': false }, [], true],
    [
      'a status for a rule',
      { 'trigger-rule-mismatch-http-response-code': 400 },
      [['trigger-rule-mismatch-http-response-code', 'missing', /200 with the reason/]],
      true,
    ],
    [
      'GET alone',
      { 'http-methods': ['GET'] },
      [['http-methods', 'missing', /POST alone, and not GET/]],
      false,
    ],
    [
      'GET too',
      { 'http-methods': [' post', 'GET'] },
      [['http-methods', 'differs', /GET is answered 405/]],
      true,
    ],
    ['POST', { 'http-methods': ['Post '] }, [], true],
    [
      'XML',
      { 'incoming-payload-content-type': 'application/xml' },
      [['incoming-payload-content-type', 'missing', /415/]],
      false,
    ],
    [
      'JSON',
      { 'incoming-payload-content-type': 'application/json' },
      [['incoming-payload-content-type', 'differs', /goes by the header/]],
      true,
    ],
    [
      'all headers',
      { 'pass-arguments-to-command': [{ source: 'entire-headers' }] },
      [['pass-arguments-to-command', 'missing', /not all of them/]],
      false,
    ],
    [
      'all parameters',
      { 'pass-environment-to-command': [{ source: 'entire-query' }] },
      [['pass-environment-to-command', 'missing', /not all of them/]],
      false,
    ],
    [
      'an address',
      { 'pass-arguments-to-command': [{ source: 'request', name: 'remote-addr' }] },
      [['pass-arguments-to-command', 'missing', /sender's address/]],
      false,
    ],
    [
      'a token',
      { 'pass-arguments-to-command': [{ source: 'url', name: 'token' }] },
      [['pass-arguments-to-command', 'differs', /hold no secret/]],
      true,
    ],
    [
      'the whole body',
      { 'pass-arguments-to-command': [{ source: 'raw-request-body' }] },
      [['pass-arguments-to-command', 'differs', /64 KiB/]],
      true,
    ],
    [
      'an unknown source',
      { 'pass-arguments-to-command': [{ source: 'cookie', name: 'x' }] },
      [['pass-arguments-to-command', 'missing', /no source "cookie"/]],
      false,
    ],
    [
      'JSON in another field',
      {
        'parse-parameters-as-json': [{ source: 'payload', name: 'data' }],
        'pass-arguments-to-command': [{ source: 'payload', name: 'data.x' }],
      },
      [['pass-arguments-to-command', 'missing', /not in "data"/]],
      false,
    ],
    [
      'JSON in a header',
      { 'parse-parameters-as-json': [{ source: 'header', name: 'data' }] },
      [['parse-parameters-as-json', 'missing', /does not look into JSON there/]],
      true,
    ],
    [
      'a program beside webhook',
      { 'execute-command': './run.sh' },
      [['execute-command', 'missing', /Give the whole path/]],
      false,
    ],
    [
      'a program with a space',
      { 'execute-command': '/bin/run it' },
      [['execute-command', 'differs', /one program, spaces included/]],
      true,
    ],
    [
      'a folder beside webhook',
      { 'command-working-directory': 'here' },
      [['command-working-directory', 'missing', /whole path/]],
      false,
    ],
    [
      'a rule that is too deep',
      { 'trigger-rule': deepRule(14) },
      [['trigger-rule', 'missing', /nested too deeply to be taken apart/]],
      false,
    ],
    [
      'an attribute of XML',
      {
        'pass-arguments-to-command': [{ source: 'payload', name: 'app.user.0.-name' }],
        'trigger-rule': match({ type: 'value', value: 'x' }, 'payload', 'app.message.#text'),
      },
      [
        ['pass-arguments-to-command', 'missing', /a part of XML/],
        ['trigger-rule', 'missing', /a part of XML/],
      ],
      false,
    ],
    [
      'a text for a list',
      { 'pass-arguments-to-command': 'payload' },
      [['pass-arguments-to-command', 'missing', /must be a list/]],
      false,
    ],
    [
      'texts in a list',
      { 'pass-arguments-to-command': ['payload'] },
      [
        ['pass-arguments-to-command', 'missing', /must be an object/],
        ['pass-arguments-to-command', 'missing', /no source ""/],
      ],
      false,
    ],
    [
      'a parameter without a name',
      { 'pass-arguments-to-command': [{ source: 'payload', nam: 'x' }] },
      [
        ['pass-arguments-to-command', 'differs', /without a name/],
        ['pass-arguments-to-command', 'missing', /nam: webhook does not know/],
      ],
      true,
    ],
    [
      'a text for a rule',
      { 'trigger-rule': 'ref' },
      [['trigger-rule', 'missing', /must be an object/]],
      false,
    ],
    [
      'a key that nobody knows',
      { 'execute-comand': 'x' },
      [['execute-comand', 'missing', /does not know/]],
      true,
    ],
    [
      'addresses',
      { 'trigger-rule': { match: { type: 'ip-whitelist', 'ip-range': '10.0.0.0/8' } } },
      [['trigger-rule', 'missing', /ip-whitelist: .*firewall/]],
      false,
    ],
    [
      'a signature of Scalr',
      { 'trigger-rule': { match: { type: 'scalr-signature', secret } } },
      [['trigger-rule', 'missing', /how Scalr signs/]],
      false,
    ],
    [
      'a signature in the address',
      { 'trigger-rule': match({ type: 'payload-hmac-sha1', secret }, 'url', 's') },
      [['trigger-rule', 'missing', /in a header only/]],
      false,
    ],
    [
      'an unknown type',
      { 'trigger-rule': match({ type: 'sorcery' }, 'url', 's') },
      [
        ['trigger-rule', 'differs', /It is never met/],
        ['trigger-rule', 'differs', /none of webhook's/],
      ],
      false,
    ],
    [
      'an empty rule',
      { 'trigger-rule': {} },
      [
        ['trigger-rule', 'differs', /is no rule/],
        ['trigger-rule', 'differs', /It is never met/],
      ],
      false,
    ],
    [
      'an expression that nobody reads',
      { 'trigger-rule': match({ type: 'regex', regex: '(' }, 'url', 's') },
      [['trigger-rule', 'missing', /the expression/]],
      false,
    ],
  ];
  const unsigned = /^No signature is asked for/;

  test('tells of each setting that has no counterpart, and of each that behaves differently', async () => {
    const hooks = told.map(([id, hook]) => ({ id, 'execute-command': '/bin/true', ...hook }));
    const path = await write('hooks.json', hooks);
    const text = (await readFile(path, 'utf8')).split('\n');
    const end = await cli.run(['import', 'webhook', path, '--dry-run', '--json']);
    assert.equal(end.code, 7);
    const imported = end.json<Imported[]>();
    for (const [index, [what, , expected, active]] of told.entries()) {
      const one = imported[index] ?? assert.fail(what);
      assert.match(text[one.line - 1] ?? '', /\{/, `${what} does not begin in line ${one.line}`);
      const notes = one.notes.filter((note) => !unsigned.test(note.text));
      assert.deepEqual(
        notes.map(({ field, kind }) => [field, kind]),
        expected.map(([field, kind]) => [field, kind]),
        what,
      );
      for (const [at, [field, , pattern]] of expected.entries()) {
        assert.match(notes[at]?.text ?? '', pattern, what);
        const place = text.slice(one.line - 1, notes[at]?.line ?? 0).join('\n');
        assert.ok(place.includes(field), `${what}: line ${notes[at]?.line} is not of ${field}`);
      }
      assert.equal(one.active, active, what);
    }
    const shown = await cli.run(['import', 'webhook', path, '--dry-run']);
    for (const [, , expected] of told)
      for (const [field] of expected) assert.ok(shown.stdout.includes(field), `the report has no ${field}`);
    const fine = await cli.run([
      'import',
      'webhook',
      await write('fine.json', [{ id: 'x', 'execute-command': 'y' }]),
      '--dry-run',
    ]);
    assert.equal(fine.code, 0, fine.stdout);
  });

  test('asks for the signature that a rule needs, and never for less', async () => {
    const signed = (algorithm: string, name: string, value = secret) =>
      match({ type: `payload-hmac-${algorithm}`, secret: value }, 'header', name);
    const cases: [what: string, rule: object, scheme: string | null, active: boolean][] = [
      [
        'one of two secrets',
        { or: [signed('sha256', 'X-A'), signed('sha256', 'X-A', 'another secret')] },
        'x-a',
        true,
      ],
      ['both of two', { and: [signed('sha1', 'X-One'), signed('sha512', 'X-Two')] }, 'x-two', true],
      [
        'a signature or an address',
        { or: [signed('sha1', 'X-A'), { match: { type: 'ip-whitelist', 'ip-range': '::1' } }] },
        'x-a',
        true,
      ],
      [
        'a signature and an address',
        { and: [signed('sha1', 'X-A'), { match: { type: 'ip-whitelist', 'ip-range': '::1' } }] },
        'x-a',
        false,
      ],
      [
        'a signature or a ping',
        { or: [signed('sha1', 'X-A'), match({ type: 'value', value: 'ping' }, 'payload', 'event')] },
        'x-a',
        true,
      ],
      ['no signature', { not: signed('sha1', 'X-A') }, 'x-a', false],
      ['the older name', match({ type: 'payload-hash-sha1', secret }, 'header', 'X-A'), 'x-a', true],
      ['a secret of six', signed('sha1', 'X-A', 'shrt42'), 'x-a', false],
    ];
    const hooks = cases.map(([id, rule]) => ({ id, 'execute-command': '/bin/true', 'trigger-rule': rule }));
    const imported = await importAll(hooks);
    for (const [index, [what, , header, active]] of cases.entries()) {
      const one = imported[index] ?? assert.fail(what);
      const hook = await work.api.get<Record<string, unknown>>(`/hooks/incoming/${one.hook_id}`);
      assert.equal(hook['requires_secret'], true, what);
      assert.equal(hook['secret_header_name'], header, what);
      assert.deepEqual(
        [one.active, hook['active']],
        [active, active],
        `${what}: ${JSON.stringify(one.notes)}`,
      );
    }
  });
});

describe('a rule of webhook', () => {
  type Rule = { and: Rule[] } | { or: Rule[] } | { not: Rule } | ReturnType<typeof match>;
  const matches = fc
    .tuple(
      fc.constantFrom(
        { type: 'value', value: 'a' },
        { type: 'value', value: 'b' },
        { type: 'value', value: '' },
        { type: 'regex', regex: '^a' },
        { type: 'regex', regex: '' },
      ),
      fc.constantFrom(['payload', 'x'], ['payload', 'y.z'], ['header', 'X-H'], ['url', 'q'], ['string', 'a']),
    )
    .map(([fields, [source, name]]) => match(fields, source!, name!));
  const { rule: rules } = fc.letrec<{ rule: Rule }>((tie) => ({
    rule: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      matches,
      fc.array(tie('rule'), { maxLength: 3 }).map((and) => ({ and })),
      fc.array(tie('rule'), { maxLength: 3 }).map((or) => ({ or })),
      tie('rule').map((not) => ({ not })),
    ),
  }));
  const values = fc.constantFrom(undefined, 'a', 'b', 'ab', '');
  const requests = fc.record({ x: values, z: values, h: values, q: values });

  /** As webhook evaluates it: what is not there is an error, which ends an `and` and not an `or`. */
  function evaluate(
    rule: Rule,
    look: (source: string, name: string) => string | undefined,
  ): { is: boolean; isError: boolean } {
    if ('and' in rule) {
      for (const one of rule.and) {
        const { is, isError } = evaluate(one, look);
        if (isError) return { is: false, isError };
        if (!is) return { is, isError };
      }
      return { is: true, isError: false };
    }
    if ('or' in rule) return { is: rule.or.some((one) => evaluate(one, look).is), isError: false };
    if ('not' in rule) {
      const { is, isError } = evaluate(rule.not, look);
      return { is: !is, isError };
    }
    const { type, value, regex, parameter } = rule.match as {
      type: string;
      value?: string;
      regex?: string;
      parameter: { source: string; name: string };
    };
    const found = look(parameter.source, parameter.name);
    if (found === undefined) return { is: false, isError: true };
    return { is: type === 'value' ? found === value : new RegExp(regex ?? '').test(found), isError: false };
  }

  test('is met by the same requests as the conditions and the script that it becomes', () => {
    holds(
      fc.property(rules, requests, (rule, { x, z, h, q }) => {
        const { is } = evaluate(rule, (source, name) =>
          source === 'string' ? name : source === 'header' ? h : source === 'url' ? q : name === 'x' ? x : z,
        );
        const located = readHooks(JSON.stringify([rule])).hooks[0]!;
        const { conditions, rest } = conditionsOf(readRule(located, new Set(), () => undefined));
        const source = {
          payload: { x, y: { z } },
          headers: h === undefined ? {} : { 'x-h': h },
          query: (q === undefined ? {} : { q }) as Record<string, string>,
          isForm: false,
        };
        // Safe: the client's type of a condition is made from that of the server.
        const hook = { conditions: conditions as IncomingCondition[], variables: [] };
        const isMet = unmetCondition(hook, source, {}) === null;
        const isLeft = (literal: Literal): boolean => {
          const variable = literalVariable(literal, 'v') as HookVariable;
          return Boolean(extractVariables([variable], source).values['v']);
        };
        const script = (formula: Formula): boolean => {
          if (formula.op === 'constant') return formula.is;
          if (formula.op === 'literal') return isLeft(formula.literal) !== formula.isNegated;
          return formula.op === 'and' ? formula.of.every(script) : formula.of.some(script);
        };
        assert.equal(isMet && (rest === null || script(rest)), is, JSON.stringify({ conditions, rest }));
      }),
    );
  });
});
