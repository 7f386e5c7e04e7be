import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import { createApplication, createIncomingHook, createPipeline, sendSigned } from './support/fixtures.ts';
import type { IncomingHook } from './support/fixtures.ts';
import { githubEvents } from './support/github.ts';
import { startInProcessApp } from './support/in-process-app.ts';
import type { InProcessApp } from './support/in-process-app.ts';
import { listAll } from './support/lists.ts';

type Record_ = { id: string; outcome: string; reason: string; response_status_code: number };
type TryOut = { outcome: string; reason: string; signature: { valid: boolean } };

const examples = githubEvents().flatMap(({ name, examples: payloads }) =>
  payloads.map((payload, index) => ({
    event: name,
    index,
    body: Buffer.from(JSON.stringify(payload)),
    payload,
  })),
);
const atOnce = 16;

for (const kind of databaseKinds) {
  describe(`every example of every event of GitHub (${kind})`, { timeout: 600_000 }, () => {
    const ends = new AsyncDisposableStack();
    after(() => ends.disposeAsync());
    let app: InProcessApp;
    let pipeline: number;

    before(async () => {
      const database = ends.adopt(await createTestDatabase(kind), (made) => made.drop());
      const env = { HOOKLINE_ROLE: 'api' };
      app = ends.adopt(await startInProcessApp({ database, env }), (started) => started.stop());
      pipeline = await createPipeline(app, await createApplication(app));
    });

    /** Sends all of them, and tells of each what was answered and recorded. */
    const sendAll = async (hook: IncomingHook) => {
      const answers = new Map<string, (typeof examples)[number] & { status: number; message: string }>();
      for (let from = 0; from < examples.length; from += atOnce) {
        await Promise.all(
          examples.slice(from, from + atOnce).map(async (example) => {
            const { status, body } = await sendSigned(app, hook, example.body, { event: example.event });
            answers.set(body.hook_request_id, { ...example, status, message: body.message });
          }),
        );
      }
      const records = await listAll<Record_>(app.api, `/hooks/incoming/${hook.id}/requests`);
      assert.equal(records.length, examples.length, 'not every request has a record of its own');
      return records.map((record) => {
        const answer = answers.get(record.id) ?? assert.fail(`nobody was told of the record ${record.id}`);
        const where = `${answer.event} ${answer.index}: ${answer.status} ${answer.message} (${record.reason})`;
        assert.equal(record.response_status_code, answer.status, where);
        for (const sentence of [answer.message, record.reason]) {
          assert.match(sentence, /^[A-Z][^\n]*\.$/, where);
          assert.ok(sentence.length < 1000, where);
        }
        return { ...answer, outcome: record.outcome, where };
      });
    };

    test('is understood by a hook of the preset, and recorded with what came of it in one sentence', async () => {
      const hook = await createIncomingHook(app, pipeline, { preset: 'github' });
      for (const { status, outcome, where } of await sendAll(hook))
        assert.deepEqual([status, outcome], [200, 'skipped'], where);
    });

    test('is understood by a hook for every event and branch, which runs pushes and pull requests alone', async () => {
      const trigger_when = { events: ['push', 'tag', 'pull_request'], branches: [] };
      const hook = await createIncomingHook(app, pipeline, { preset: 'github', trigger_when });
      const all = await sendAll(hook);
      for (const { event, payload, status, outcome, where } of all) {
        const isRequest = ['opened', 'reopened', 'synchronize'].includes(String(payload.action));
        const runs = event === 'push' ? payload.deleted !== true : event === 'pull_request' && isRequest;
        assert.deepEqual([status, outcome], runs ? [202, 'accepted'] : [200, 'skipped'], where);
      }
      const run = all.filter(({ outcome }) => outcome === 'accepted');
      assert.deepEqual([...new Set(run.map(({ event }) => event))].toSorted(), ['pull_request', 'push']);
    });

    test('starts a run of a hook that asks for nothing, but for the pings', async () => {
      for (const { event, status, outcome, where } of await sendAll(await createIncomingHook(app, pipeline)))
        assert.deepEqual([status, outcome], event === 'ping' ? [200, 'skipped'] : [202, 'accepted'], where);
    });

    test('is refused by a hook that requires what it lacks, with every fault in the sentence', async () => {
      const variables = [
        { name: 'nowhere', path: 'no.such.thing', required: true },
        { name: 'sender', path: 'sender', type: 'integer' },
      ];
      const hook = await createIncomingHook(app, pipeline, { settings: { variables } });
      for (const { event, payload, status, outcome, message, where } of await sendAll(hook)) {
        if (event === 'ping') continue;
        assert.deepEqual([status, outcome], [422, 'refused'], where);
        assert.match(message, /nowhere is required, but there is nothing at no\.such\.thing/);
        if (payload.sender) assert.match(message, /sender at sender must be of type integer/, where);
      }
    });

    test('can be tried out and read back', async () => {
      const hook = await createIncomingHook(app, pipeline, { preset: 'github' });
      const firsts = examples.filter(({ index }) => index === 0);
      for (const { event, payload, body } of firsts) {
        const headers = { 'x-github-event': event };
        const tried = await app.api.post<TryOut>(`/hooks/incoming/${hook.id}/test`, {
          body: payload,
          headers,
        });
        assert.equal(tried.outcome, 'skipped', event);
        assert.match(tried.reason, /\.$/);
        const sent = await sendSigned(app, hook, body, { event });
        const path = `/hook-requests/${sent.body.hook_request_id}`;
        const { request_body } = await app.api.get<{ request_body: unknown }>(path);
        assert.deepEqual(request_body, payload, event);
      }
      const last = await app.api.post<TryOut>(`/hooks/incoming/${hook.id}/test`);
      assert.equal(last.signature.valid, true);
    });
  });
}
