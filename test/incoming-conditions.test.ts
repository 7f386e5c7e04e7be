import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import {
  createApplication,
  createIncomingHook,
  createPipeline,
  openWorkplace,
  sendSigned,
  untilAction,
} from './support/fixtures.ts';
import type { IncomingHook, Workplace } from './support/fixtures.ts';
import { githubPayload } from './support/github.ts';
import { startServer } from './support/server.ts';
import type { TestServer } from './support/server.ts';

type Condition = Record<string, unknown>;
type Commit = { added: string[]; modified: string[]; removed: string[] };

const underApi: Condition = { name: 'the API', path: '$changed_files', globs: ['apps/api/**'] };

/** A push that GitHub has sent, to master, with one commit that adds README.md. */
const realPush = () =>
  githubPayload('push', ({ ref }) => ref === 'refs/heads/master') as {
    commits: Commit[];
    [name: string]: unknown;
  };
const pushOf = (change: Partial<Commit>) => {
  const push = realPush();
  Object.assign(push.commits[0]!, change);
  return push;
};
const fixture = (name: string) =>
  JSON.parse(readFileSync(join(import.meta.dirname, 'fixtures', 'incoming', `${name}.json`), 'utf8')) as {
    headers: Record<string, string>;
    body: { commits: Commit[]; total_commits_count?: number; [name: string]: unknown };
  };

for (const kind of databaseKinds) {
  describe(`the conditions of an incoming hook (${kind})`, { timeout: 600_000 }, () => {
    const stack = new AsyncDisposableStack();
    after(() => stack.disposeAsync());
    let server: TestServer;
    let work: Workplace;
    let pipelineId: number;

    before(async () => {
      const database = stack.adopt(await createTestDatabase(kind), (made) => made.drop());
      server = stack.adopt(await startServer({ database }), (started) => started.stop());
      work = await openWorkplace(server);
      pipelineId = await createPipeline(work, await createApplication(work));
    });

    const hookWith = (conditions: Condition[], fields: Record<string, unknown> = {}) =>
      createIncomingHook(work, pipelineId, { trigger_when: { conditions }, ...fields });
    const send = (hook: IncomingHook, body: unknown, headers: Record<string, string> = {}) =>
      sendSigned(server, hook, JSON.stringify(body), { headers });
    const met = async (hook: IncomingHook, body: unknown, headers: Record<string, string> = {}) => {
      const answer = await send(hook, body, headers);
      assert.equal(answer.status, 202, answer.body.message);
    };
    const unmet = async (
      hook: IncomingHook,
      body: unknown,
      message: string,
      headers: Record<string, string> = {},
    ) => {
      const answer = await send(hook, body, headers);
      assert.equal(answer.status, 200, answer.body.message);
      assert.equal(answer.body.message, message);
      assert.equal(answer.body.action_id, null);
      const record = await work.api.get<{ outcome: string; reason: string }>(
        `/hook-requests/${answer.body.hook_request_id}`,
      );
      assert.equal(record.outcome, 'skipped');
      assert.equal(record.reason, message);
      const tried = await work.api.post<{ outcome: string; reason: string; conditions: { met: boolean }[] }>(
        `/hooks/incoming/${hook.id}/test`,
        { hook_request_id: answer.body.hook_request_id },
      );
      assert.equal(tried.outcome, 'skipped');
      assert.equal(tried.reason, message);
      assert.ok(tried.conditions.some((condition) => !condition.met));
    };

    describe('on the files of a push', () => {
      test('of GitHub are met when any commit has added, changed or removed one under the folder', async () => {
        const hook = await hookWith([underApi]);
        await unmet(
          hook,
          realPush(),
          'Condition 1 of 1 (the API) is not met: $changed_files must match apps/api/**, and found was ["README.md"].',
        );
        await met(hook, pushOf({ added: ['apps/api/server.ts'] }));
        await met(hook, pushOf({ modified: ['apps/api/src/routes/users.ts'] }));
        await met(hook, pushOf({ removed: ['apps/api/.env'] }));
        for (const path of [
          'apps/api',
          'apps/api.ts',
          'apps/apis/x.ts',
          'packages/apps/api/x.ts',
          'APPS/API/x',
          'apps/web/x',
        ])
          assert.equal((await send(hook, pushOf({ modified: [path] }))).status, 200, path);
        const several = realPush();
        several.commits.push({ ...several.commits[0]!, added: [], modified: ['apps/api/last.ts'] });
        await met(hook, several);
      });

      test('with `not` are met when none is under the folder', async () => {
        const hook = await hookWith([{ path: '$changed_files', globs: ['docs/**', '*.md'], not: true }]);
        await unmet(
          hook,
          realPush(),
          'Condition 1 of 1 is not met: $changed_files must not match docs/** or *.md, and found was ["README.md"].',
        );
        await met(hook, pushOf({ added: ['apps/api/README.md'] }));
      });

      test('of a tag, which changes no files, or of another event find nothing', async () => {
        const hook = await hookWith([underApi]);
        const tag = githubPayload(
          'push',
          ({ ref, created }) => ref === 'refs/tags/simple-tag' && created === true,
        );
        assert.match((await send(hook, tag)).body.message, /and found was \[\]\.$/);
        const opened = githubPayload('pull_request', ({ action }) => action === 'opened');
        assert.match((await send(hook, opened)).body.message, /and found was nothing\.$/);
      });

      test('of GitLab are met when the list of commits is cut, since the file may be in one that is left out', async () => {
        const hook = await hookWith([underApi]);
        const { body: many } = fixture('gitlab-push-many-commits');
        assert.ok(many.total_commits_count! > many.commits.length);
        assert.ok(!JSON.stringify(many.commits).includes('apps/api'));
        await met(hook, many);
        const all = { ...many, total_commits_count: many.commits.length };
        assert.equal((await send(hook, all)).status, 200, 'a list that is complete');
        const { body: few } = fixture('gitlab-push');
        assert.equal((await send(hook, few)).status, 200);
        few.commits[0]!.modified = ['apps/api/x.ts'];
        await met(hook, few);
      });

      test('of a branch that is put on other commits are not known, and any may be among them', async () => {
        const hook = await hookWith([underApi]);
        const push = realPush();
        await met(hook, { ...push, forced: true });
        await met(hook, { ...push, commits: [], before: 'a'.repeat(40), after: 'b'.repeat(40) });
        assert.equal((await send(hook, { ...push, commits: [], after: '0'.repeat(40) })).status, 200);
        const variables = [{ name: 'files', path: '$changed_files', type: 'array' }];
        const byVariable = await hookWith([{ type: 'variable', path: 'files', globs: ['apps/api/**'] }], {
          settings: { variables },
        });
        await met(byVariable, { ...push, forced: true });
        assert.equal((await send(byVariable, push)).status, 200);
      });

      test('of Gitea and Forgejo are known as well', async () => {
        const hook = await hookWith([underApi]);
        for (const name of ['gitea-push', 'forgejo-push']) {
          const { body } = fixture(name);
          assert.equal((await send(hook, body)).status, 200, name);
          body.commits[0]!.modified = ['apps/api/x.ts'];
          await met(hook, body);
        }
      });
    });

    test('on the whole body see the text that came, and a variable takes that or a part of it as JSON', async () => {
      const variables = [
        { name: 'all', path: '$body' },
        { name: 'commits', path: 'commits', transform: { json: true } },
        { name: 'number', path: 'number', transform: { json: true } },
      ];
      const hook = await hookWith([{ path: '$body', matches: ['"number": 7'] }], { settings: { variables } });
      const body = '{"number": 7,  "commits":[{"id": "a\\u00e9"}]}';
      const { body: receipt } = await sendSigned(server, hook, body);
      const action = await untilAction(work, receipt.action_id ?? assert.fail(receipt.message));
      assert.partialDeepStrictEqual(action['triggered_from'], {
        hook_parsed_variables: { all: body, commits: '[{"id":"aé"}]', number: '7' },
      });
      const other = await sendSigned(server, hook, body.replace('7', '8'));
      assert.equal(other.body.message.includes('$body must match'), true, other.body.message);
    });

    test('on the items of lists in a list are met by any of them', async () => {
      const hook = await hookWith([{ path: 'commits.*.added', globs: ['docs/*'] }]);
      await met(hook, pushOf({ added: ['src/a', 'docs/b'] }));
      assert.equal((await send(hook, pushOf({ added: ['src/a'] }))).status, 200);
    });

    test('with a number that no number can be exact for are refused when they are given', async () => {
      const body = { name: 'in', trigger_when: { conditions: [{ path: 'id', accepted_values: [2 ** 53] }] } };
      const answer = await work.api.request<{ errors: { field: string; message: string }[] }>(
        'POST',
        `/pipelines/${pipelineId}/hooks/incoming`,
        body,
      );
      assert.equal(answer.status, 422);
      assert.match(answer.body.errors[0]!.message, /beyond 2\^53.*as a text/);
      const hook = await hookWith([{ path: 'id', accepted_values: ['9007199254740993'] }]);
      const post = (text: string) => sendSigned(server, hook, text);
      assert.equal((await post('{"id":9007199254740993}')).status, 202);
      assert.equal((await post('{"id":9007199254740992}')).status, 200);
    });

    test('on a token keep a request from being run again, since it is not kept; so does a hook that is off', async () => {
      const hook = await hookWith([
        { type: 'request_header', path: 'X-Api-Token', accepted_values: ['s3cret'] },
      ]);
      const answer = await send(hook, {}, { 'x-api-token': 's3cret' });
      assert.equal(answer.status, 202);
      const replay = (id: string) =>
        work.api.request<{ message: string }>('POST', `/hook-requests/${id}/replay`);
      const refused = await replay(answer.body.hook_request_id);
      assert.equal(refused.status, 409);
      assert.match(refused.body.message, /\$headers\.X-Api-Token, which may be a token and was not kept/);
      const other = await hookWith([]);
      const taken = await send(other, {});
      await work.api.put(`/hooks/incoming/${other.id}`, { active: false });
      const off = await replay(taken.body.hook_request_id);
      assert.equal(off.status, 409);
      assert.match(off.body.message, /is not active/);
      await work.api.put(`/hooks/incoming/${other.id}`, { active: true });
      assert.equal((await replay(taken.body.hook_request_id)).status, 202);
    });

    test('by value, pattern, place and their opposites are told with what was found', async () => {
      const push = realPush();
      const cases: [condition: Condition, message: string][] = [
        [
          { path: 'ref', accepted_values: ['refs/heads/main', 'refs/heads/dev'] },
          'ref must be one of "refs/heads/main", "refs/heads/dev", and found was "refs/heads/master"',
        ],
        [{ path: 'deleted', accepted_values: [true] }, 'deleted must be true, and found was false'],
        [
          { path: 'ref', accepted_values: ['x'], matches: ['^refs/tags/v\\d+', 'release'] },
          'ref must be "x" or match ^refs/tags/v\\d+ or release, and found was "refs/heads/master"',
        ],
        [
          { path: 'repository.name', matches: ['^Hello'], not: true },
          'repository.name must not match ^Hello, and found was "Hello-World"',
        ],
        [{ path: 'gone', exists: true }, 'gone must be there, and found was nothing'],
        [{ path: 'ref', exists: false }, 'ref must be absent, and found was "refs/heads/master"'],
        [
          { path: 'ref', exists: true, not: true },
          'ref must not be there, and found was "refs/heads/master"',
        ],
        [
          { type: 'request_header', path: 'X-GitHub-Event', accepted_values: ['release'] },
          'X-GitHub-Event must be "release", and found was "push"',
        ],
        [
          { path: 'commits.*.added', globs: ['src/**'] },
          'commits.*.added must match src/**, and found was [["README.md"]]',
        ],
        [
          { path: 'commits[0].added', globs: ['src/**'] },
          'commits[0].added must match src/**, and found was ["README.md"]',
        ],
        [
          { type: 'variable', path: 'branch', accepted_values: ['main'] },
          'branch must be "main", and found was "master"',
        ],
        [
          { path: 'repository.full_name', same_as: 'repository.name' },
          'repository.full_name must be the same as repository.name, and found was "Codertocat/Hello-World"',
        ],
        [
          { path: 'nowhere', fallback_paths: ['ref'], accepted_values: ['x'] },
          'nowhere or ref must be "x", and found was "refs/heads/master"',
        ],
      ];
      const variables = [{ name: 'branch', path: 'ref', transform: { strip_prefix: 'refs/heads/' } }];
      for (const [condition, sentence] of cases) {
        const hook = await hookWith([{ path: 'ref', matches: ['.'] }, condition], {
          settings: { variables },
        });
        await unmet(hook, push, `Condition 2 of 2 is not met: ${sentence}.`);
        const turned = await hookWith([{ ...condition, not: condition.not !== true }], {
          settings: { variables },
        });
        await met(turned, push);
      }
    });

    describe('on a token', () => {
      const given = 'the-one-that-came-4711';
      const right = 'the-one-that-is-right-0815';
      const settings = {
        variables: [
          { name: 'copied', path: '$headers.x-api-token' },
          { name: 'counted', path: '$headers.x-api-token', type: 'integer' },
        ],
      };
      const ways: [what: string, condition: Condition][] = [
        ['a header', { type: 'request_header', path: 'X-Api-Token', accepted_values: [right] }],
        [
          'a header among several',
          { type: 'request_header', path: 'x-api-token', accepted_values: [right, `${right}2`] },
        ],
        ['a header by a pattern', { type: 'request_header', path: 'x-api-token', matches: [`^${right}$`] }],
        ['a path', { path: '$headers.X-Api-Token', accepted_values: [right] }],
        [
          'a path that is looked at after another',
          { path: 'none', fallback_paths: ['$headers.x-api-token'], accepted_values: [right] },
        ],
        ['a parameter of the address', { type: 'request_query', path: 'token', accepted_values: [right] }],
        ['a variable', { type: 'variable', path: 'copied', accepted_values: [right] }],
        ['a comparison', { path: 'known', same_as: '$headers.x-api-token' }],
      ];
      for (const [what, condition] of ways) {
        test(`in ${what} tells nobody the token, neither the one that came nor the right one`, async () => {
          const withVariables =
            condition.type === 'variable' ? { settings: { variables: settings.variables.slice(0, 1) } } : {};
          const hook = await hookWith([condition], { requires_secret: false, ...withVariables });
          const post = async (token: string) => {
            const answer = await fetch(`${server.url}/api/hooks/${hook.id}/trigger?token=${token}`, {
              method: 'POST',
              headers: { 'content-type': 'application/json', 'x-api-token': token },
              body: JSON.stringify({ known: right }),
            });
            return { status: answer.status, text: await answer.text() };
          };
          const untold = (text: string, where: string) => {
            for (const token of [given, right]) assert.ok(!text.includes(token), `${where}: ${text}`);
          };
          const wrong = await post(given);
          assert.equal(wrong.status, 200, wrong.text);
          assert.match(wrong.text, /Condition 1 of 1 is not met/);
          untold(wrong.text, 'the answer');
          const { hook_request_id } = JSON.parse(wrong.text) as { hook_request_id: string };
          // What a body holds is its sender's to say.
          const withoutBody = (record: { request_body: unknown }) =>
            JSON.stringify({ ...record, request_body: null });
          untold(withoutBody(await work.api.get(`/hook-requests/${hook_request_id}`)), 'the record');
          untold(
            JSON.stringify(await work.api.get(`/hooks/incoming/${hook.id}/requests`)),
            'the list of records',
          );
          const tried = await work.api.post<{ reason: string; conditions: { found: unknown }[] }>(
            `/hooks/incoming/${hook.id}/test`,
            { body: { known: right }, headers: { 'X-Api-Token': given }, query: `token=${given}` },
          );
          untold(tried.reason, 'the reason when it is tried out');
          untold(
            JSON.stringify(tried.conditions.map(({ found }) => found)),
            'what is found when it is tried out',
          );
          untold(server.output(), 'the log');

          const taken = await post(right);
          assert.equal(taken.status, 202, taken.text);
          untold(taken.text, 'the answer when it is right');
        });
      }

      test('by which its sender proves itself is told by no condition, whatever its header is called', async () => {
        for (const condition of [
          { type: 'request_header', path: 'X-Proof', accepted_values: ['another'] },
          { path: '$headers.x-proof', matches: ['another'] },
          { type: 'variable', path: 'copied', accepted_values: ['another'] },
        ]) {
          const hook = await hookWith([condition], {
            signature_scheme: 'gitlab-token',
            secret_header_name: 'X-Proof',
            secret: right,
            settings: { variables: [{ name: 'copied', path: '$headers.X-Proof' }] },
          });
          const answer = await send(hook, {}, { 'x-proof': right });
          assert.equal(answer.status, 200, answer.body.message);
          assert.match(answer.body.message, /is not met/);
          assert.ok(!JSON.stringify(answer.body).includes(right), answer.body.message);
          const record = await work.api.get(`/hook-requests/${answer.body.hook_request_id}`);
          assert.ok(!JSON.stringify(record).includes(right));
        }
      });

      test('of the wrong type is in no fault', async () => {
        const hook = await hookWith([], { settings: { variables: settings.variables.slice(1) } });
        const answer = await send(hook, {}, { 'x-api-token': given });
        assert.equal(answer.status, 422);
        assert.match(
          answer.body.message,
          /counted at \$headers\.x-api-token must be of type integer, but is a text that is not shown/,
        );
        assert.ok(!JSON.stringify(answer.body).includes(given));
      });
    });
  });
}
