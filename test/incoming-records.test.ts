import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { brotliCompressSync, gzipSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import type { TestDatabase } from './support/database.ts';
import { queryRows } from './support/execute-sql.ts';
import {
  createApplication,
  createIncomingHook,
  createPipeline,
  openWorkplace,
  sendSigned,
  untilAction,
} from './support/fixtures.ts';
import type { IncomingHook, Receipt } from './support/fixtures.ts';
import { sign } from './support/github.ts';
import { changedExample, sendAs, signAs, type SigningScheme } from './support/incoming-senders.ts';
import { startInProcessApp } from './support/in-process-app.ts';
import type { InProcessApp } from './support/in-process-app.ts';
import { listAll } from './support/lists.ts';
import { startServer } from './support/server.ts';
import { dumpTables } from './support/table-dump.ts';

const mostBytes = 32_768;
const mask = '********';

type Relation = {
  id: string;
  outcome: string;
  reason: string;
  response_status_code: number;
  action_id: number | null;
  retry_of: string | null;
  url: string;
};
type Record_ = Relation & {
  request_headers: Record<string, string>;
  request_body: unknown;
  response_body: { message: string };
};
type Answer = { status: number; body: Receipt };
type TryOut = {
  outcome: string;
  status_code: number;
  reason: string;
  errors: { field: string }[] | null;
  signature: { valid: boolean; reason: string | null };
  variables: Record<string, unknown>;
  conditions: { name: string | null; met: boolean; found: unknown }[];
  pipeline_id: number | null;
};

const push = JSON.stringify({ ref: 'refs/heads/main' });
const variables = [{ name: 'ref', required: true }];
const whsec = `whsec_${Buffer.alloc(32, 'k').toString('base64')}`;

for (const kind of databaseKinds) {
  describe(`the record of an incoming request (${kind})`, { timeout: 600_000 }, () => {
    const ends = new AsyncDisposableStack();
    after(() => ends.disposeAsync());
    let app: InProcessApp;
    let pipeline: number;

    before(async () => {
      const database = ends.adopt(await createTestDatabase(kind), (made) => made.drop());
      const env = { HOOKLINE_ROLE: 'api', HOOKLINE_MAX_BODY_BYTES: String(mostBytes) };
      app = ends.adopt(await startInProcessApp({ database, env }), (started) => started.stop());
      pipeline = await createPipeline(app, await createApplication(app));
    });

    const hookWith = (fields: object) => createIncomingHook(app, pipeline, { ...fields });
    const records = (hook: { id: string }) =>
      listAll<Relation>(app.api, `/hooks/incoming/${hook.id}/requests`);
    const recordOf = (id: string) => app.api.get<Record_>(`/hook-requests/${id}`);
    const tryOut = (hook: { id: string }, body?: object) =>
      app.api.post<TryOut>(`/hooks/incoming/${hook.id}/test`, body);
    const replay = (id: string) => app.api.request<Receipt>('POST', `/hook-requests/${id}/replay`);
    /** A request of exactly these headers, and in chunks unless they give a length. */
    const raw = (hook: { id: string }, headers: Record<string, string>, body: Buffer | string) =>
      new Promise<Answer>((resolve, reject) => {
        const url = `${app.url}/api/hooks/${hook.id}/trigger`;
        const outgoing = httpRequest(url, { method: 'POST', headers, agent: false });
        outgoing.on('response', (answer) => {
          let text = '';
          answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
          answer.on('end', () =>
            resolve({ status: answer.statusCode ?? 0, body: JSON.parse(text) as Receipt }),
          );
        });
        outgoing.on('error', reject);
        if (body.length > 0) outgoing.write(body);
        outgoing.end();
      });

    const assertSentence = (sentence: string) => {
      assert.match(sentence, /^[A-Z].*\.$/s);
      assert.ok(sentence.length < 2000);
    };

    describe('of every refusal holds status and reason, and nothing of a body that nobody proved', () => {
      const now = () => Math.floor(app.clock.now() / 1000);
      const stripe = { signature_scheme: 'stripe', secret: 'whsec_of Stripe' };
      const standard = { signature_scheme: 'standard-webhooks', secret: whsec };
      const signedBy =
        (scheme: SigningScheme, headers: Record<string, string> = {}, secondsLate = 0) =>
        (hook: IncomingHook) => {
          const { secret } = hook;
          const made = signAs(scheme, {
            secret,
            body: Buffer.from(push),
            headers: {},
            seconds: now() - secondsLate,
          });
          return { ...made, ...headers };
        };
      const github = signedBy('github');

      type Refusal = {
        what: string;
        fields?: object;
        headers: (hook: IncomingHook) => Record<string, string>;
        body?: Buffer | string;
        status: number;
        reason: RegExp;
        isKept?: boolean;
      };
      const refusals: Refusal[] = [
        {
          what: 'without the header of the signature',
          headers: () => ({}),
          status: 401,
          reason: /^The signature header x-hub-signature-256 is missing/,
        },
        {
          what: 'with an empty one',
          headers: () => ({ 'x-hub-signature-256': '' }),
          status: 401,
          reason: /^The signature header x-hub-signature-256 is empty/,
        },
        {
          what: 'with something that is no signature',
          headers: () => ({ 'x-hub-signature-256': 'sha256=nonsense' }),
          status: 401,
          reason: /does not hold a sha256 signature/,
        },
        {
          what: 'with the signature of another secret',
          headers: () => ({ 'x-hub-signature-256': sign('another secret', push) }),
          status: 401,
          reason: /does not match: another secret, or a changed body/,
        },
        {
          what: 'with another token',
          fields: { signature_scheme: 'gitlab-token' },
          headers: () => ({ 'x-gitlab-token': 'another token' }),
          status: 401,
          reason: /^The token in x-gitlab-token is not the hook's secret/,
        },
        {
          what: 'signed too long ago',
          fields: stripe,
          headers: (hook) => signedBy('stripe', {}, 301)(hook),
          status: 401,
          reason: /^The signature is right, but its time is 301 s old, and only 300 s are allowed/,
        },
        {
          what: 'signed in the future',
          fields: standard,
          headers: (hook) => signedBy('standard-webhooks', {}, -301)(hook),
          status: 401,
          reason: /^The signature is right, but its time is 301 s in the future/,
        },
        {
          what: 'signed at no time',
          fields: stripe,
          headers: () => ({ 'stripe-signature': `v1=${'0'.repeat(64)}` }),
          status: 401,
          reason: /^The time of the signature, t, is missing/,
        },
        {
          what: 'without a header that is signed too',
          fields: standard,
          headers: (hook) => signedBy('standard-webhooks', { 'webhook-id': '' })(hook),
          status: 401,
          reason: /^The header webhook-id, which is signed too, is missing/,
        },
        {
          what: 'with more signatures than anybody needs',
          fields: standard,
          headers: () => ({
            'webhook-id': 'a',
            'webhook-timestamp': String(now()),
            'webhook-signature': Array(11)
              .fill(`v1,${Buffer.alloc(32).toString('base64')}`)
              .join(' '),
          }),
          status: 401,
          reason: /more than 10 signatures/,
        },
        {
          what: 'before its hook has a secret',
          fields: { signature_scheme: 'slack' },
          headers: () => ({
            'x-slack-signature': `v0=${'0'.repeat(64)}`,
            'x-slack-request-timestamp': String(now()),
          }),
          status: 401,
          reason: /^The hook has no secret yet/,
        },
        {
          what: 'while its hook is not active',
          fields: { active: false },
          headers: github,
          status: 404,
          reason: /^This hook is not active\.$/,
        },
        {
          what: 'with a body that is no JSON',
          headers: (hook) => ({ 'x-hub-signature-256': sign(hook.secret, '{"ref":') }),
          body: '{"ref":',
          status: 400,
          reason: /^The body is not valid JSON: \w.*\.$/,
          isKept: true,
        },
        {
          what: 'with a body that is not compressed as it claims',
          headers: (hook) => ({ ...github(hook), 'content-encoding': 'gzip' }),
          status: 400,
          reason: /^The body is not the gzip that it claims to be\.$/,
          isKept: true,
        },
        {
          what: 'with a body that is too large',
          headers: (hook) => ({ 'x-hub-signature-256': sign(hook.secret, ' '.repeat(mostBytes + 1)) }),
          body: ' '.repeat(mostBytes + 1),
          status: 413,
          reason: /^The body is too large\.$/,
        },
        {
          what: 'with a body that is too large once it is uncompressed',
          headers: (hook) => ({
            'x-hub-signature-256': sign(hook.secret, gzipSync(' '.repeat(mostBytes + 1))),
            'content-encoding': 'gzip',
          }),
          body: gzipSync(' '.repeat(mostBytes + 1)),
          status: 413,
          reason: /^The body is too large once it is uncompressed\.$/,
          isKept: true,
        },
        {
          what: 'of an unknown type',
          headers: (hook) => ({ ...github(hook), 'content-type': 'text/plain' }),
          status: 415,
          reason: /^The content type text\/plain is not known/,
          isKept: true,
        },
        {
          what: 'of an unknown charset',
          headers: (hook) => ({ ...github(hook), 'content-type': 'application/json; charset=klingon' }),
          status: 415,
          reason: /^The charset klingon is not known\.$/,
          isKept: true,
        },
        {
          what: 'of an unknown encoding',
          headers: (hook) => ({ ...github(hook), 'content-encoding': 'zstd' }),
          status: 415,
          reason: /^The content encoding zstd is not gzip, deflate or br\.$/,
          isKept: true,
        },
        {
          what: 'without what is required',
          fields: { settings: { variables: [{ name: 'tag', required: true }] } },
          headers: github,
          status: 422,
          reason: /^Not run: tag is required, but there is nothing at tag\.$/,
          isKept: true,
        },
      ];
      for (const { what, fields, headers, body = push, status, reason, isKept = false } of refusals) {
        test(`${status}: ${what}`, async () => {
          const hook = await hookWith(fields ?? {});
          const sent = { 'content-type': 'application/json', ...headers(hook) };
          const answer = await raw(hook, sent, body);
          assert.equal(answer.status, status, answer.body.message);
          assert.match(answer.body.message, reason);
          assertSentence(answer.body.message);
          const [record, ...others] = await records(hook);
          assert.equal(others.length, 0);
          assert.equal(record?.id, answer.body.hook_request_id);
          assert.deepEqual(
            [record?.outcome, record?.response_status_code, record?.action_id, record?.reason],
            ['refused', status, null, answer.body.message],
          );
          const full = await recordOf(record!.id);
          const hasBody = JSON.stringify(full.request_body) !== '{}';
          assert.equal(hasBody, isKept, JSON.stringify(full.request_body));
          assert.equal((await replay(record!.id)).status, isKept ? 422 : 409);
          assert.ok(!app.log().includes('"level":50'), app.log());
        });
      }

      test('whatever bytes a signed body has, its record ends as a sentence does', async () => {
        const hook = await hookWith({});
        const bodies = fc.oneof(
          fc.string({ unit: 'binary', maxLength: 400 }).map((text) => Buffer.from(`{"${text}`)),
          fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
          fc.json().map((text) => Buffer.from(text.slice(0, -1))),
        );
        await fc.assert(
          fc.asyncProperty(bodies, async (body) => {
            const { status, body: said } = await sendSigned(app, hook, body);
            assert.ok([200, 202, 400].includes(status), `${status}`);
            assertSentence(said.message);
          }),
          { numRuns: 60 },
        );
      });
    });

    describe('of every other outcome', () => {
      test('an accepted request names its action, a duplicate the request that it repeats', async () => {
        const hook = await hookWith({});
        const headers = { 'x-github-delivery': randomUUID() };
        const first = await sendSigned(app, hook, push, { headers });
        const second = await sendSigned(app, hook, push, { headers });
        const [duplicate, accepted] = await records(hook);
        assert.deepEqual(
          [accepted?.outcome, accepted?.action_id, accepted?.response_status_code],
          ['accepted', first.body.action_id, 202],
        );
        assert.deepEqual(
          [duplicate?.outcome, duplicate?.action_id, duplicate?.response_status_code, duplicate?.id],
          ['duplicate', first.body.action_id, 202, second.body.hook_request_id],
        );
        assert.equal(
          duplicate?.reason,
          `Not run again: the same delivery was accepted before, as request ${first.body.hook_request_id}.`,
        );
        for (const answer of [first, second]) {
          const { response_body } = await recordOf(answer.body.hook_request_id);
          assert.equal(response_body.message, answer.body.message, 'this is not what was answered');
        }
      });

      test('a skipped request shows the condition that is not met and the value found, whatever kind that is', async () => {
        const cases: [condition: object, reason: string][] = [
          [
            { path: 'ref', accepted_values: ['refs/heads/dev'] },
            'ref must be "refs/heads/dev", and found was "refs/heads/main".',
          ],
          [{ path: 'ref', globs: ['dev/**'] }, 'ref must match dev/**, and found was "refs/heads/main".'],
          [{ path: 'ref', matches: ['^v'] }, 'ref must match ^v, and found was "refs/heads/main".'],
          [
            { path: 'ref', same_as: 'base' },
            'ref must be the same as base, and found was "refs/heads/main".',
          ],
          [{ path: 'base', exists: true }, 'base must be there, and found was nothing.'],
          [{ path: 'ref', exists: false }, 'ref must be absent, and found was "refs/heads/main".'],
          [
            { path: 'ref', accepted_values: ['refs/heads/main'], not: true },
            'ref must not be "refs/heads/main", and found was "refs/heads/main".',
          ],
          [
            { type: 'request_header', path: 'x-github-event', accepted_values: ['ping'] },
            'x-github-event must be "ping", and found was "push".',
          ],
          [
            { type: 'request_query', path: 'env', accepted_values: ['prod', 'test'] },
            'env must be one of "prod", "test", and found was "dev".',
          ],
          [
            { type: 'variable', path: 'number', accepted_values: [7] },
            'number must be 7, and found was 12345678901234567890.',
          ],
        ];
        for (const [condition, reason] of cases) {
          const hook = await hookWith({
            settings: { variables: [{ name: 'number', type: 'integer' }] },
            trigger_when: { conditions: [{ path: 'number', exists: true }, condition] },
          });
          const body = '{"ref":"refs/heads/main","number":12345678901234567890}';
          const answer = await sendAs(
            'github',
            app,
            hook,
            { body },
            {
              query: '?env=dev',
              headers: { 'x-github-event': 'push' },
            },
          );
          assert.equal(answer.status, 200);
          const [record] = await records(hook);
          assert.equal(record?.outcome, 'skipped');
          assert.equal(record.reason, answer.body.message);
          assert.equal(record.reason, `Condition 2 of 2 is not met: ${reason}`);
        }
      });

      test('a long value is cut in the sentence, and one that may be a token is not shown', async () => {
        const hook = await hookWith({
          trigger_when: { conditions: [{ path: 'ref', accepted_values: ['a'] }] },
        });
        const long = await sendSigned(app, hook, JSON.stringify({ ref: 'x'.repeat(10_000) }));
        assert.ok(long.body.message.length < 400);
        assertSentence(long.body.message);
        for (const condition of [
          { type: 'request_header', path: 'x-api-key', accepted_values: ['a'] },
          { type: 'request_query', path: 'token', accepted_values: ['a'] },
          { path: '$headers.x-api-key', accepted_values: ['a'] },
          { path: '$query.token', accepted_values: ['a'] },
        ]) {
          const secretive = await hookWith({ trigger_when: { conditions: [condition] } });
          const answer = await sendAs(
            'github',
            app,
            secretive,
            { body: push },
            {
              query: '?token=let-me-in',
              headers: { 'x-api-key': 'let-me-in' },
            },
          );
          assert.equal(answer.status, 200);
          assert.ok(answer.body.message.endsWith(`, and found was "${mask}".`), answer.body.message);
          const tried = JSON.stringify(await tryOut(secretive));
          assert.ok(!tried.includes('let-me-in'));
        }
      });

      test('the query is kept, and what may be a token in it is masked', async () => {
        const hook = await hookWith({ settings: { variables: [{ name: 'env', path: '$query.env' }] } });
        const query = '?env=prod&token=let-me-in&api_key=let-me-in&a=1%202&ENV=x&token=let-me-in-too';
        const answer = await sendAs('github', app, hook, { body: push }, { query });
        assert.equal(answer.status, 202);
        const record = await recordOf(answer.body.hook_request_id);
        const { searchParams } = new URL(record.url);
        assert.deepEqual(
          [...searchParams],
          [
            ['env', 'prod'],
            ['token', mask],
            ['api_key', mask],
            ['a', '1 2'],
            ['ENV', 'x'],
            ['token', mask],
          ],
        );
        assert.ok(!JSON.stringify(await records(hook)).includes('let-me-in'));
      });
    });

    describe('can be tried out and run again', () => {
      const conditions = [{ name: 'main', path: 'ref', accepted_values: ['refs/heads/main'] }];
      const schemes: Record<SigningScheme, object> = {
        github: {},
        'gitlab-token': {},
        'gitlab-signed': {},
        bitbucket: {},
        gitea: {},
        stripe: { secret: 'made by Stripe' },
        slack: { secret: 'made by Slack' },
        shopify: { secret: 'made by Shopify' },
        'standard-webhooks': {},
      };
      // Safe: the keys of the very table.
      for (const scheme of Object.keys(schemes) as SigningScheme[]) {
        test(`of ${scheme}: as it came, also after its time is over and its secret is another`, async () => {
          const hook = await hookWith({
            signature_scheme: scheme,
            ...schemes[scheme],
            settings: { variables: [...variables, { name: 'env', path: '$query.env' }] },
            trigger_when: { conditions },
          });
          const query = '?env=prod';
          const at = app.clock.now();
          const sent = await sendAs(scheme, app, hook, { body: push }, { at, query });
          assert.equal(sent.status, 202, sent.body.message);
          await app.clock.advance(3_600_000);
          const again = await sendAs(scheme, app, hook, { body: '{}' }, { at, query });
          const hasTime = ['gitlab-signed', 'stripe', 'slack', 'standard-webhooks'].includes(scheme);
          assert.equal(again.status, hasTime ? 401 : 200);

          const id = sent.body.hook_request_id;
          const tried = await tryOut(hook, { hook_request_id: id });
          assert.equal(tried.signature.valid, true, tried.signature.reason ?? '');
          assert.deepEqual(tried.variables, { ref: 'refs/heads/main', env: 'prod' });
          assert.deepEqual(
            [tried.outcome, tried.status_code, tried.pipeline_id],
            ['accepted', 202, pipeline],
          );
          assert.deepEqual(
            tried.conditions.map(({ name, met, found }) => [name, met, found]),
            [['main', true, 'refs/heads/main']],
          );

          await app.api.post(`/hooks/incoming/${hook.id}/rotate-secret`, {
            previous_valid_for_seconds: 0,
            ...schemes[scheme],
          });
          const answer = await replay(id);
          assert.equal(answer.status, 202, answer.body.message);
          assert.notEqual(answer.body.action_id, sent.body.action_id);
          const record = await recordOf(answer.body.hook_request_id);
          assert.deepEqual(
            [record.retry_of, record.outcome, record.request_body],
            [id, 'accepted', { ref: 'refs/heads/main' }],
          );
          assert.match(record.url, /\?env=prod$/);
          type Action = { triggered_from: { hook_parsed_variables: object; hook_request_id: string } };
          const action = await app.api.get<Action>(`/actions/${answer.body.action_id}`);
          assert.deepEqual(action.triggered_from.hook_parsed_variables, {
            ref: 'refs/heads/main',
            env: 'prod',
          });
          assert.equal(action.triggered_from.hook_request_id, record.id);
        });

        test(`of ${scheme}: a request that is given, whose signature is judged now`, async () => {
          const hook = await hookWith({
            signature_scheme: scheme,
            ...schemes[scheme],
            settings: { variables },
            trigger_when: { conditions },
          });
          const { secret } = hook;
          const signed = (seconds: number) =>
            signAs(scheme, { secret, body: Buffer.from(push), headers: {}, seconds });
          const seconds = Math.floor(app.clock.now() / 1000);
          const right = await tryOut(hook, { body: push, headers: signed(seconds) });
          assert.deepEqual([right.signature, right.outcome], [{ valid: true, reason: null }, 'accepted']);
          const asObject = await tryOut(hook, {
            body: { ref: 'refs/heads/main' },
            headers: signed(seconds),
          });
          assert.equal(asObject.signature.valid, true, 'compact JSON is what was signed');
          const without = await tryOut(hook, { body: push });
          assert.deepEqual([without.signature.valid, without.outcome], [false, 'accepted']);
          assert.match(without.signature.reason ?? '', /is missing/);
          const changed = await tryOut(hook, { body: `${push} `, headers: signed(seconds) });
          assert.equal(changed.signature.valid, scheme === 'gitlab-token');
          if (['gitlab-signed', 'stripe', 'slack', 'standard-webhooks'].includes(scheme)) {
            const old = await tryOut(hook, { body: push, headers: signed(seconds - 301) });
            assert.equal(old.signature.valid, false);
            assert.match(old.signature.reason ?? '', /301 s old/);
          }
          const other = await tryOut(hook, { body: '{"ref":"dev"}' });
          assert.deepEqual(
            [other.outcome, other.status_code, other.pipeline_id, other.conditions[0]?.found],
            ['skipped', 200, null, 'dev'],
          );
          assert.deepEqual(await records(hook), [], 'a trial left a record');
        });
      }

      test('with a compressed body, whichever form was signed', async () => {
        const hook = await hookWith({ settings: { variables } });
        for (const [encoding, compressed] of [
          ['gzip', gzipSync(push)],
          ['br', brotliCompressSync(push)],
        ] as const) {
          for (const signed of [compressed, push]) {
            const headers = {
              'content-type': 'application/json',
              'content-encoding': encoding,
              'x-hub-signature-256': sign(hook.secret, signed),
            };
            const answer = await raw(hook, headers, compressed);
            assert.equal(answer.status, 202, answer.body.message);
            const tried = await tryOut(hook);
            assert.deepEqual(
              [tried.outcome, tried.signature.valid, tried.variables],
              ['accepted', true, { ref: 'refs/heads/main' }],
            );
            const again = await replay(answer.body.hook_request_id);
            assert.equal(again.status, 202, again.body.message);
            for (const { body } of [answer, again]) {
              const record = await recordOf(body.hook_request_id);
              assert.deepEqual(record.request_body, { ref: 'refs/heads/main' });
            }
          }
        }
      });

      test('by name or the last of them; what was never proved is not among them', async () => {
        const hook = await hookWith({ settings: { variables } });
        const path = `/hooks/incoming/${hook.id}/test`;
        const forged = await sendSigned(app, { id: hook.id, secret: 'forged' }, push);
        assert.equal((await app.api.request('POST', path)).status, 409);
        const named = await app.api.request('POST', path, { hook_request_id: forged.body.hook_request_id });
        assert.equal(named.status, 409);
        const skipped = await sendSigned(app, hook, '{"ref":"a"}');
        const lacking = await sendSigned(app, hook, '{}');
        await sendSigned(app, { id: hook.id, secret: 'forged' }, push);
        const last = await tryOut(hook);
        assert.deepEqual([last.outcome, last.status_code, last.errors?.[0]?.field], ['refused', 422, 'ref']);
        assert.equal(last.reason, lacking.body.message);
        const first = await tryOut(hook, { hook_request_id: skipped.body.hook_request_id });
        assert.deepEqual(first.variables, { ref: 'a' });
      });

      test('a trial of a hook that is not active says so, beside all the rest', async () => {
        const hook = await hookWith({ active: false, settings: { variables }, trigger_when: { conditions } });
        const tried = await tryOut(hook, { body: push });
        assert.deepEqual(
          [tried.outcome, tried.status_code, tried.reason, tried.pipeline_id],
          ['refused', 404, 'This hook is not active.', null],
        );
        assert.deepEqual(tried.variables, { ref: 'refs/heads/main' });
        assert.equal(tried.conditions[0]?.met, true);
      });

      test('a request that was refused for what it lacked runs once the hook is corrected, and links back', async () => {
        const hook = await hookWith({ settings: { variables: [{ name: 'branch', required: true }] } });
        const delivery = { 'x-github-delivery': randomUUID() };
        const refused = await sendSigned(app, hook, push, { headers: delivery });
        assert.equal(refused.status, 422);
        const early = await replay(refused.body.hook_request_id);
        assert.equal(early.status, 422);
        assert.equal(early.body.errors?.[0]?.field, 'branch');
        const corrected = [{ name: 'branch', path: 'ref', required: true }];
        await app.api.put(`/hooks/incoming/${hook.id}`, { settings: { variables: corrected } });
        const run = await replay(refused.body.hook_request_id);
        assert.equal(run.status, 202);
        const again = await replay(run.body.hook_request_id);
        assert.equal(again.status, 202, 'a replay can be replayed');
        assert.notEqual(again.body.action_id, run.body.action_id);
        const all = (await records(hook)).toReversed();
        assert.deepEqual(
          all.map(({ outcome, retry_of, id }) => [outcome, retry_of, id]),
          [
            ['refused', null, refused.body.hook_request_id],
            ['refused', refused.body.hook_request_id, early.body.hook_request_id],
            ['accepted', refused.body.hook_request_id, run.body.hook_request_id],
            ['accepted', run.body.hook_request_id, again.body.hook_request_id],
          ],
        );
        // The sender may send it again too, and somebody has had it run already.
        const late = await sendSigned(app, hook, push, { headers: delivery });
        assert.deepEqual([late.status, late.body.action_id], [202, run.body.action_id]);
        assert.match(late.body.message, /accepted before/);
      });

      test('replays at the same instant each run once, and copies of the delivery beside them do not', async () => {
        const hook = await hookWith({ settings: { variables: [{ name: 'branch', required: true }] } });
        const headers = { 'x-github-delivery': randomUUID() };
        const refused = await sendSigned(app, hook, push, { headers });
        await app.api.put(`/hooks/incoming/${hook.id}`, { settings: { variables: [] } });
        const replays = Array.from({ length: 4 }, () => replay(refused.body.hook_request_id));
        const copies = Array.from({ length: 4 }, () => sendSigned(app, hook, push, { headers }));
        const [replayed, copied] = await Promise.all([Promise.all(replays), Promise.all(copies)]);
        assert.ok([...replayed, ...copied].every(({ status }) => status === 202));
        assert.equal(new Set(replayed.map(({ body }) => body.action_id)).size, 4);
        assert.equal(new Set(copied.map(({ body }) => body.action_id)).size, 1);
        const late = await sendSigned(app, hook, push, { headers });
        assert.equal(late.body.action_id, copied[0]?.body.action_id);
      });

      test('a skipped one says again why, a ping stays one, and one whose hook is gone is gone too', async () => {
        const hook = await hookWith({ trigger_when: { conditions } });
        const skipped = await sendSigned(app, hook, '{"ref":"dev"}');
        const again = await replay(skipped.body.hook_request_id);
        assert.deepEqual([again.status, again.body.message], [200, skipped.body.message]);
        const ping = await sendSigned(app, hook, '{}', { event: 'ping' });
        const pinged = await replay(ping.body.hook_request_id);
        assert.deepEqual([pinged.status, pinged.body.message], [200, ping.body.message]);
        await app.api.delete(`/hooks/incoming/${hook.id}`);
        assert.equal((await replay(ping.body.hook_request_id)).status, 404);
      });
    });
  });

  test(`a sender's token stands in no answer, record, log line or row (${kind})`, async (t) => {
    const database = await createTestDatabase(kind);
    t.after(() => database.drop());
    const server = await startServer({ database, env: { HOOKLINE_LOG_LEVEL: 'trace' } });
    t.after(() => server.stop());
    const work = await openWorkplace(server);
    const pipeline = await createPipeline(work, await createApplication(work), ['env']);
    const token = `token-${randomUUID()}`;
    const wrong = `wrong-${randomUUID()}`;
    const seen: string[] = [];
    const see = (value: unknown) => void seen.push(JSON.stringify(value));

    // Also in a header of its own, and where somebody looks at that header.
    for (const header of ['X-Gitlab-Token', 'X-Our-Own']) {
      const path = header.toLowerCase();
      const hook = await createIncomingHook(work, pipeline, {
        preset: 'gitlab',
        secret: token,
        secret_header_name: header,
        settings: {
          variables: [
            { name: 'shown', path: `$headers.${path}` },
            { name: 'also', path: 'none', fallback_paths: [`$headers.${path}`] },
          ],
        },
      });
      const choosy = await createIncomingHook(work, pipeline, {
        signature_scheme: 'gitlab-token',
        secret: token,
        secret_header_name: header,
        trigger_when: { conditions: [{ type: 'request_header', path, accepted_values: ['another'] }] },
      });
      const strict = await createIncomingHook(work, pipeline, {
        signature_scheme: 'gitlab-token',
        secret: token,
        secret_header_name: header,
        settings: { variables: [{ name: 'number', path: `$headers.${path}`, type: 'integer' }] },
      });
      for (const [one, status] of [
        [hook, 202],
        [choosy, 200],
        [strict, 422],
      ] as const) {
        const example = changedExample('gitlab-push');
        const right = await sendAs('github', server, one, example, { headers: { [header]: token } });
        assert.equal(right.status, status, right.body.message);
        const refused = await sendAs('github', server, one, example, { headers: { [header]: wrong } });
        assert.equal(refused.status, 401);
        see([right.body, refused.body]);
        if (right.body.action_id !== null) see(await untilAction(work, right.body.action_id));
        see(await work.api.get(`/hooks/incoming/${one.id}`));
        see(await work.api.get(`/hooks/incoming/${one.id}/requests`));
        for (const { body } of [right, refused]) {
          const record = await work.api.get<Record_>(`/hook-requests/${body.hook_request_id}`);
          assert.equal(record.request_headers[path], mask);
          see(record);
        }
        see(await work.api.post(`/hooks/incoming/${one.id}/test`));
        see(await work.api.post(`/hook-requests/${right.body.hook_request_id}/replay`).catch(String));
      }
    }
    await server.stop();
    const places = { answers: seen.join('\n'), log: server.output(), ...(await everyRow(database)) };
    assert.match(places.log, /"level":(10|20|30)/, 'nothing was logged');
    for (const [place, text] of Object.entries(places)) {
      for (const secret of [token, wrong]) assert.ok(!text.includes(secret), `${place} holds a token`);
    }
  });
}

/** The rows of all tables, and the headers and bodies of requests, which stand there compressed. */
async function everyRow(database: TestDatabase): Promise<{ tables: string; payloads: string }> {
  const rows = await queryRows<{ content: Uint8Array }>(database, 'select content from request_payloads');
  assert.ok(rows.length > 0);
  const payloads = rows.map(({ content }) => zstdDecompressSync(content).toString('latin1')).join('\n');
  return { tables: await dumpTables(database), payloads };
}
