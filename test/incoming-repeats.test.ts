import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ApiAnswer } from './support/api-client.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import type { TestDatabase } from './support/database.ts';
import { executeSql } from './support/execute-sql.ts';
import {
  createApplication,
  createIncomingHook,
  createPipeline,
  openWorkplace,
  sendSigned,
} from './support/fixtures.ts';
import type { IncomingHook, Receipt, Workplace } from './support/fixtures.ts';
import { pushPayload, sign } from './support/github.ts';
import {
  changedExample,
  providers,
  sendAs,
  type IncomingExample,
  type SigningScheme,
} from './support/incoming-senders.ts';
import { startInProcessApp } from './support/in-process-app.ts';
import type { InProcessApp } from './support/in-process-app.ts';
import { listAll } from './support/lists.ts';
import { startServer } from './support/server.ts';

type Record_ = { id: string; outcome: string; reason: string; action_id: number | null };
type Answer = ApiAnswer<Receipt>;

const recordsOf = ({ api }: Pick<Workplace, 'api'>, hook: { id: string }) =>
  listAll<Record_>(api, `/hooks/incoming/${hook.id}/requests`);

/** How often each delivery is sent, and how many deliveries at the same instant. */
const copies = 2;
const rounds = 4;
const deliveriesAtOnce = 20;

for (const { kind, nodeCount } of [
  { kind: 'sqlite', nodeCount: 1 },
  { kind: 'postgres', nodeCount: 2 },
] as const) {
  const where = nodeCount === 1 ? 'one node' : 'each at another node';
  describe(`copies of deliveries at the same instant, ${where} (${kind})`, { timeout: 600_000 }, () => {
    const ends = new AsyncDisposableStack();
    after(() => ends.disposeAsync());
    let urls: string[];
    let work: Workplace;
    let pipeline: number;

    before(async () => {
      const database = ends.adopt(await createTestDatabase(kind), (made) => made.drop());
      const folder = database.env.HOOKLINE_DATA ?? '';
      const start = async (index: number) => {
        const env = {
          HOOKLINE_ROLE: 'api',
          HOOKLINE_DATA: kind === 'postgres' ? join(folder, `node-${index}`) : folder,
        };
        return ends.adopt(await startServer({ database, env }), (node) => node.stop());
      };
      const first = await start(0);
      urls = [first.url];
      for (let index = 1; index < nodeCount; index++) urls.push((await start(index)).url);
      work = await openWorkplace(first);
      pipeline = await createPipeline(work, await createApplication(work));
    });

    const senders: [what: string, preset: string, send: (id: string, hook: IncomingHook) => Sending][] = [
      [
        'an id in a header',
        'github',
        (id, hook) => (url) => sendSigned({ url }, hook, onMain, { headers: { 'x-github-delivery': id } }),
      ],
      [
        'an id in the body, under a signature of its own time each',
        'stripe',
        (id, hook) => {
          const example = changedExample('stripe-invoice-paid', (payload) => (payload.id = id));
          let before_ = 0;
          return (url) => sendAs('stripe', { url }, hook, example, { at: Date.now() - 1000 * before_++ });
        },
      ],
    ];
    for (const [what, preset, sending] of senders) {
      test(`of deliveries with ${what} each runs once, and every copy is answered with the one action`, async () => {
        const secret = 'known to both of them';
        const hook = await createIncomingHook(work, pipeline, { preset, secret });
        const actions = new Set<number>();
        for (let round = 0; round < rounds; round++) {
          const sends = Array.from({ length: deliveriesAtOnce }, () => sending(randomUUID(), hook));
          // The second copies in the reverse order: batches of both nodes then wait for each other.
          const firsts = sends.map((send) => send(urls[0]!));
          const seconds = sends.toReversed().map((send) => send(urls[1 % urls.length]!));
          const [first, second] = await Promise.all([Promise.all(firsts), Promise.all(seconds)]);
          const answers = first.map((answer, index) => [answer, second.at(-1 - index)!]);
          for (const ofOne of answers) {
            assert.deepEqual(
              ofOne.map(({ status }) => status),
              Array(copies).fill(202),
              JSON.stringify(ofOne.map(({ body }) => body)),
            );
            const ids = new Set(ofOne.map(({ body }) => body.action_id));
            assert.equal(ids.size, 1, 'the copies were answered with different actions');
            actions.add([...ids][0] ?? assert.fail('no action'));
            const again = ofOne.filter(({ body }) =>
              body.message.startsWith('This delivery was accepted before'),
            );
            assert.equal(again.length, copies - 1);
          }
        }
        assert.equal(actions.size, rounds * deliveriesAtOnce, 'different deliveries were taken for one');
        type Action = { id: number; triggered_from: { hook_id: string } };
        const all = await listAll<Action>(work.api, `/pipelines/${pipeline}/actions`);
        const ofHook = all.filter(({ triggered_from }) => triggered_from.hook_id === hook.id);
        assert.deepEqual(
          new Set(ofHook.map(({ id }) => id)),
          actions,
          'something ran that nobody was told of',
        );
        const records = await recordsOf(work, hook);
        assert.equal(records.length, rounds * deliveriesAtOnce * copies);
        const accepted = new Map(
          records.filter(({ outcome }) => outcome === 'accepted').map((one) => [one.action_id, one.id]),
        );
        assert.equal(accepted.size, rounds * deliveriesAtOnce);
        for (const { outcome, reason, action_id } of records) {
          if (outcome === 'accepted') continue;
          assert.equal(outcome, 'duplicate');
          const first = accepted.get(action_id);
          assert.equal(reason, `Not run again: the same delivery was accepted before, as request ${first}.`);
        }
      });
    }
  });
}

type Sending = (url: string) => Promise<Answer>;

const onMain = pushPayload().toString().replace('"refs/heads/master"', '"refs/heads/main"');

for (const kind of databaseKinds) {
  describe(`a repeat of a delivery (${kind})`, { timeout: 600_000 }, () => {
    const ends = new AsyncDisposableStack();
    after(() => ends.disposeAsync());
    let database: TestDatabase;
    let app: InProcessApp;
    let pipeline: number;

    before(async () => {
      database = ends.adopt(await createTestDatabase(kind), (made) => made.drop());
      const env = { HOOKLINE_ROLE: 'api' };
      app = ends.adopt(await startInProcessApp({ database, env }), (started) => started.stop());
      pipeline = await createPipeline(app, await createApplication(app));
    });

    const hookWith = (fields: object) => createIncomingHook(app, pipeline, { ...fields });
    const send = (
      hook: IncomingHook,
      example: Pick<IncomingExample, 'headers' | 'body'>,
      scheme: SigningScheme,
      options: { headers?: Record<string, string>; at?: number } = {},
    ): Promise<Answer> => sendAs(scheme, app, hook, example, { at: app.clock.now(), ...options });

    const isRun = ({ status, body }: Answer) => {
      // Slack's commands want a 200.
      assert.ok(status === 202 || 'text' in body, body.message);
      return body.message.startsWith('Accepted as action');
    };
    const isRepeat = (answer: Answer, first: Answer) =>
      !isRun(answer) && answer.body.action_id === first.body.action_id;

    describe('of one that ran nothing is taken', () => {
      const headers = () => ({ 'x-github-delivery': randomUUID() });

      test('after a 401 and a 422, and only the first that is right runs', async () => {
        const variables = [{ name: 'ref', required: true }];
        const hook = await hookWith({ settings: { variables } });
        const id = headers();
        const forged = { ...id, 'x-hub-signature-256': sign('another secret', onMain) };
        assert.equal((await sendSigned(app, hook, onMain, { headers: forged })).status, 401);
        const unsigned = { ...id, 'x-hub-signature-256': '' };
        assert.equal((await sendSigned(app, hook, onMain, { headers: unsigned })).status, 401);
        assert.equal((await sendSigned(app, hook, '{}', { headers: id })).status, 422);
        assert.equal((await sendSigned(app, hook, '{', { headers: id })).status, 400);
        const taken = await sendSigned(app, hook, onMain, { headers: id });
        assert.ok(isRun(taken));
        assert.ok(isRepeat(await sendSigned(app, hook, onMain, { headers: id }), taken));
        // What is wrong is not taken for a repeat of what was right.
        assert.equal((await sendSigned(app, hook, '{}', { headers: id })).status, 422);
        assert.equal((await sendSigned(app, hook, onMain, { headers: forged })).status, 401);
        const outcomes = (await recordsOf(app, hook)).map(({ outcome }) => outcome);
        assert.deepEqual(outcomes.toReversed(), [
          'refused',
          'refused',
          'refused',
          'refused',
          'accepted',
          'duplicate',
          'refused',
          'refused',
        ]);
      });

      test('after it was skipped, once the hook wants it', async () => {
        const hook = await hookWith({ preset: 'github', trigger_when: { branches: ['dev'] } });
        const id = headers();
        assert.equal((await sendSigned(app, hook, onMain, { headers: id })).status, 200);
        const conditions = [{ path: 'ref', accepted_values: ['refs/heads/main'] }];
        await app.api.put(`/hooks/incoming/${hook.id}`, { trigger_when: { conditions } });
        const taken = await sendSigned(app, hook, onMain, { headers: id });
        assert.ok(isRun(taken));
        assert.ok(isRepeat(await sendSigned(app, hook, onMain, { headers: id }), taken));
      });

      test('after its hook was not active', async () => {
        const hook = await hookWith({ active: false });
        const id = headers();
        assert.equal((await sendSigned(app, hook, onMain, { headers: id })).status, 404);
        await app.api.put(`/hooks/incoming/${hook.id}`, { active: true });
        assert.ok(isRun(await sendSigned(app, hook, onMain, { headers: id })));
      });

      test('after a 503, which kept nothing of it', async () => {
        const hook = await hookWith({});
        const id = headers();
        await executeSql(database, 'alter table hook_requests rename to hook_requests_elsewhere');
        let refused: Answer;
        try {
          refused = await sendSigned(app, hook, onMain, { headers: id });
        } finally {
          await executeSql(database, 'alter table hook_requests_elsewhere rename to hook_requests');
        }
        assert.equal(refused.status, 503, JSON.stringify(refused.body));
        assert.match(refused.headers.get('retry-after') ?? '', /^\d+$/);
        assert.deepEqual(await recordsOf(app, hook), []);
        const taken = await sendSigned(app, hook, onMain, { headers: id });
        assert.ok(isRun(taken));
        assert.ok(isRepeat(await sendSigned(app, hook, onMain, { headers: id }), taken));
        assert.deepEqual(
          (await recordsOf(app, hook)).map(({ outcome }) => outcome),
          ['duplicate', 'accepted'],
        );
      });
    });

    describe('is known by', () => {
      /** The headers with which a sender of no preset is known. */
      const usual = [
        'x-github-delivery',
        'x-gitea-delivery',
        'x-forgejo-delivery',
        'webhook-id',
        'x-request-uuid',
        'x-shopify-webhook-id',
        'x-gitlab-event-uuid',
        'idempotency-key',
      ];
      const bare = { headers: {}, body: Buffer.from(onMain) };

      for (const header of usual) {
        test(`${header}, at a hook that says nothing of ids`, async () => {
          const hook = await hookWith({});
          const [one, other] = [{ [header]: randomUUID() }, { [header]: randomUUID() }];
          const first = await send(hook, bare, 'github', { headers: one });
          assert.ok(isRun(first));
          assert.ok(isRepeat(await send(hook, bare, 'github', { headers: one }), first));
          assert.ok(isRun(await send(hook, bare, 'github', { headers: other })));
        });
      }

      test('nothing where there is no id: each runs', async () => {
        const hook = await hookWith({});
        for (const id of ['', '']) {
          assert.ok(isRun(await send(hook, bare, 'github')));
          const headers = { 'x-github-delivery': id };
          assert.ok(isRun(await send(hook, bare, 'github', { headers })));
        }
      });

      const ofHeader: [example: string, preset: string, header: string][] = [
        ['gitea-push', 'gitea', 'x-gitea-delivery'],
        ['gitlab-push', 'gitlab', 'idempotency-key'],
        ['bitbucket-push', 'bitbucket', 'x-request-uuid'],
        ['bitbucket-data-center-refs-changed', 'bitbucket', 'x-request-id'],
        ['shopify-orders-paid', 'shopify', 'x-shopify-webhook-id'],
        ['standard-webhooks-invoice-paid', 'standard', 'webhook-id'],
      ];
      for (const [name, preset, header] of ofHeader) {
        test(`the ${header} of ${name}, whatever else is sent along`, async () => {
          const { scheme } = providers[providerOf(name)];
          const secret = preset === 'shopify' ? { secret: 'made by the shop' } : {};
          const hook = await hookWith({ preset, ...secret });
          const example = changedExample(name);
          const first = await send(hook, example, scheme);
          assert.ok(isRun(first));
          const along: Record<string, string> =
            header === 'idempotency-key' ? {} : { 'idempotency-key': randomUUID() };
          assert.ok(isRepeat(await send(hook, example, scheme, { headers: along }), first));
          const other = changedExample(name);
          assert.ok(isRun(await send(hook, other, scheme, { headers: along })), 'the key went first');
        });
      }

      test('an Idempotency-Key where the provider has sent no id, at a preset too', async () => {
        for (const fields of [{}, { preset: 'github' }, { settings: { delivery_id_paths: ['no.id'] } }]) {
          const hook = await hookWith(fields);
          const key = { 'idempotency-key': randomUUID(), 'x-github-event': 'push' };
          const first = await send(hook, bare, 'github', { headers: key });
          assert.ok(isRun(first));
          assert.ok(isRepeat(await send(hook, bare, 'github', { headers: key }), first));
          const other = { ...key, 'idempotency-key': randomUUID() };
          assert.ok(isRun(await send(hook, bare, 'github', { headers: other })));
        }
      });

      test('the id of the provider before an Idempotency-Key, at a hook that says nothing of ids too', async () => {
        const hook = await hookWith({});
        for (const header of usual.filter((name) => !/idempotency|gitlab/.test(name))) {
          const id = randomUUID();
          const withKey = (delivery: string) => ({ [header]: delivery, 'idempotency-key': randomUUID() });
          const first = await send(hook, bare, 'github', { headers: withKey(id) });
          assert.ok(isRun(first), header);
          assert.ok(isRepeat(await send(hook, bare, 'github', { headers: withKey(id) }), first), header);
        }
        const key = { 'idempotency-key': randomUUID() };
        for (const _ of [1, 2]) {
          const headers = { ...key, 'x-github-delivery': randomUUID() };
          assert.ok(isRun(await send(hook, bare, 'github', { headers })));
        }
      });

      test("GitLab's key of the delivery before the id of the event, which other events may share", async () => {
        for (const [fields, scheme] of [
          [{ preset: 'gitlab' }, 'gitlab-token'],
          [{ preset: 'gitlab', signature_scheme: 'gitlab-signed' }, 'gitlab-signed'],
          [{ signature_scheme: 'gitlab-token' }, 'gitlab-token'],
        ] as const) {
          const hook = await hookWith(fields);
          const event = randomUUID();
          const delivery = () => {
            const { headers, body } = changedExample('gitlab-push');
            const shared: Record<string, string> = { ...headers, 'x-gitlab-event-uuid': event };
            return { headers: shared, body };
          };
          const [one, other] = [delivery(), delivery()];
          const first = await send(hook, one, scheme);
          assert.ok(isRun(first));
          assert.ok(isRun(await send(hook, other, scheme)), 'another event of the same id is lost');
          assert.ok(isRepeat(await send(hook, one, scheme), first));
          if (scheme === 'gitlab-signed') continue;
          const { 'idempotency-key': _, 'webhook-id': __, ...headers } = delivery().headers;
          const older = { headers: { ...headers, 'x-gitlab-event-uuid': randomUUID() }, body: one.body };
          const known = await send(hook, older, scheme);
          assert.ok(isRun(known));
          assert.ok(isRepeat(await send(hook, older, scheme), known), 'GitLab before 17.4 has no key');
        }
      });

      const inBody: [what: string, name: string, preset: string, set: (payload: Ids, id: string) => void][] =
        [
          [
            'the id of the event, under a later signature',
            'stripe-invoice-paid',
            'stripe',
            (payload, id) => (payload.id = id),
          ],
          ['the event_id', 'slack-event-message', 'slack', (payload, id) => (payload.event_id = id)],
        ];
      for (const [what, name, preset, set] of inBody) {
        test(`${what} of ${name}, which stands in the body`, async () => {
          const { scheme } = providers[providerOf(name)];
          for (const fields of [{ preset }, { signature_scheme: scheme }]) {
            const hook = await hookWith({ ...fields, secret: 'made by the provider' });
            const id = randomUUID();
            const example = changedExample(name, (payload: Ids) => set(payload, id));
            const first = await send(hook, example, scheme);
            assert.ok(isRun(first));
            const retried = { 'x-slack-retry-num': '1', 'x-slack-retry-reason': 'http_timeout' };
            const at = app.clock.now() + 60_000;
            assert.ok(isRepeat(await send(hook, example, scheme, { at, headers: retried }), first));
            const other = changedExample(name, (payload: Ids) => set(payload, randomUUID()));
            assert.ok(isRun(await send(hook, other, scheme)));
            const second = await hookWith({ ...fields, secret: 'made by the provider' });
            assert.ok(isRun(await send(second, example, scheme)), 'another hook has ids of its own');
          }
        });
      }

      test('the trigger_id of a command of Slack, which is a form', async () => {
        const hook = await hookWith({ preset: 'slack', secret: 'made by the provider' });
        const command = (id: string) => ({
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: Buffer.from(`command=%2Fdeploy&text=shop&trigger_id=${id}`),
        });
        const first = await send(hook, command('1.2'), 'slack');
        assert.ok(isRun(first));
        assert.ok(isRepeat(await send(hook, command('1.2'), 'slack'), first));
        assert.ok(isRun(await send(hook, command('1.3'), 'slack')));
      });
    });

    describe('by somebody who has recorded a signed request', () => {
      const extra = [
        'x-github-delivery',
        'x-gitea-delivery',
        'x-forgejo-delivery',
        'x-request-uuid',
        'x-request-id',
        'x-shopify-webhook-id',
        'x-gitlab-event-uuid',
        'idempotency-key',
      ];
      const signedIds: [what: string, fields: object, example: string, scheme: SigningScheme][] = [
        [
          'the preset standard',
          { preset: 'standard' },
          'standard-webhooks-invoice-paid',
          'standard-webhooks',
        ],
        [
          'the scheme standard-webhooks',
          { signature_scheme: 'standard-webhooks' },
          'standard-webhooks-invoice-paid',
          'standard-webhooks',
        ],
        [
          'the preset gitlab with signatures',
          { preset: 'gitlab', signature_scheme: 'gitlab-signed' },
          'gitlab-push',
          'gitlab-signed',
        ],
        ['the scheme gitlab-signed', { signature_scheme: 'gitlab-signed' }, 'gitlab-push', 'gitlab-signed'],
        ['the preset stripe', { preset: 'stripe', secret: 'of Stripe' }, 'stripe-invoice-paid', 'stripe'],
        [
          'the scheme stripe',
          { signature_scheme: 'stripe', secret: 'of Stripe' },
          'stripe-invoice-paid',
          'stripe',
        ],
        ['the preset slack', { preset: 'slack', secret: 'of Slack' }, 'slack-event-message', 'slack'],
        [
          'the scheme slack',
          { signature_scheme: 'slack', secret: 'of Slack' },
          'slack-event-message',
          'slack',
        ],
      ];
      for (const [what, fields, name, scheme] of signedIds) {
        test(`runs nothing again at a hook of ${what}, whatever header is added or changed`, async () => {
          const hook = await hookWith(fields);
          const example = changedExample(name);
          const first = await send(hook, example, scheme);
          assert.ok(isRun(first));
          for (const header of extra) {
            const answer = await send(hook, example, scheme, { headers: { [header]: randomUUID() } });
            assert.ok(isRepeat(answer, first), header);
          }
        });
      }
    });
  });
}

type Ids = { id: string; event_id: string };

function providerOf(example: string): keyof typeof providers {
  // Safe: examples are named for their provider, and the longest name that fits is it.
  const names = Object.keys(providers) as (keyof typeof providers)[];
  const [found] = names
    .filter((name) => example.startsWith(`${name}-`))
    .toSorted((one, other) => other.length - one.length);
  return found ?? assert.fail(`nobody sends ${example}`);
}
