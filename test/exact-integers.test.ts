import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import {
  createApplication,
  createIncomingHook,
  createOutgoingHook,
  createPipeline,
  openWorkplace,
  sendSigned,
  untilAction,
} from './support/fixtures.ts';
import type { Workplace } from './support/fixtures.ts';
import { githubHeaders } from './support/github.ts';
import { startReceiver } from './support/receiver.ts';
import type { Receiver } from './support/receiver.ts';
import { startServer } from './support/server.ts';
import type { TestServer } from './support/server.ts';

const id = '9007199254740993';
const negative = '-12345678901234567890123';
const inHeader = '18446744073709551615';
const list = `[9007199254740993,{"id":${negative}},"9007199254740995",1]`;

const at = 'action.triggered_from.hook_parsed_variables';
const textBody = [
  '{',
  `"plain":{{ ${at}.n }},"json":{{ ${at}.n | json }},"inText":"{{ ${at}.n }}",`,
  `"negative":{{ ${at}.negative }},"first":{{ ${at}.list[0] }},`,
  `"header":{{ ${at}.header }},"query":{{ ${at}.query }},"captured":{{ ${at}.captured }}`,
  '}',
].join('');
/** With an integer that is written out, too. */
const objectBody = `{
  "n": "{{ ${at}.n | json }}",
  "text": "{{ ${at}.n }}",
  "list": "{{ ${at}.list | json }}",
  "inner": { "header": "{{ ${at}.header | json }}", "constant": ${id} }
}`;
const command = [
  'echo "n $HOOKLINE_VAR_N"',
  'echo "negative $HOOKLINE_VAR_NEGATIVE"',
  'echo "list $HOOKLINE_VAR_LIST"',
  'echo "header $HOOKLINE_VAR_HEADER"',
  'echo "query $HOOKLINE_VAR_QUERY"',
  'echo "captured $HOOKLINE_VAR_CAPTURED"',
].join('\n');

for (const kind of databaseKinds) {
  describe(`an integer beyond 2^53 (${kind})`, { timeout: 600_000 }, () => {
    const stack = new AsyncDisposableStack();
    after(() => stack.disposeAsync());
    let server: TestServer;
    let work: Workplace;
    let receiver: Receiver;

    before(async () => {
      const database = stack.adopt(await createTestDatabase(kind), (made) => made.drop());
      server = stack.adopt(await startServer({ database }), (started) => started.stop());
      work = await openWorkplace(server);
      receiver = stack.adopt(await startReceiver(), (started) => started.close());
    });

    /** As it stands on the wire: a client's JSON would round it. */
    const textOf = async (path: string): Promise<string> => {
      const headers = { authorization: `Bearer ${work.api.token}` };
      const answer = await fetch(`${server.url}/api${path}`, { headers });
      assert.equal(answer.status, 200);
      return await answer.text();
    };

    test('has the same digits on the wire, in a step, in what is sent on, in records, after a retry and a replay', async () => {
      const pipelineId = await createPipeline(work, await createApplication(work), [command]);
      const hook = await createIncomingHook(work, pipelineId, {
        settings: {
          variables: [
            { name: 'n', path: 'order.id', type: 'integer' },
            { name: 'negative', path: 'deep.0.n', type: 'integer' },
            { name: 'list', type: 'array' },
            { name: 'header', path: '$headers.x-number', type: 'integer' },
            { name: 'query', path: '$query.number', type: 'integer' },
            { name: 'captured', path: 'url', type: 'integer', transform: { capture: '/orders/([0-9]+)' } },
            { name: 'written', path: 'order.id', type: 'string', transform: { strip_prefix: '9' } },
          ],
        },
        trigger_when: {
          conditions: [
            { path: 'order.id', accepted_values: [id] },
            { type: 'variable', path: 'negative', accepted_values: [negative] },
            { path: 'order.id', accepted_values: ['9007199254740992'], not: true },
          ],
        },
      });
      const when = { trigger_when: { events: ['action.completed'] } };
      await createOutgoingHook(work, pipelineId, `${receiver.url}/text/{{ ${at}.n }}`, {
        settings: {
          request_headers: [
            { name: 'X-Number', value: `{{ ${at}.header }}` },
            { name: 'Content-Type', value: 'application/json' },
          ],
          request_body: textBody,
        },
        ...when,
      });
      await createOutgoingHook(work, pipelineId, `${receiver.url}/object`, {
        settings: { request_headers: [], request_body: objectBody },
        ...when,
      });
      const body = `{"order":{"id":${id}},"deep":[{"n":${negative}}],"list":${list},"url":"https://x/orders/${inHeader}"}`;

      const check = async (actionId: number, sentBefore: number): Promise<void> => {
        const action = await untilAction(work, actionId);
        assert.equal(action.status, 'completed', action.status_reason_human_readable);
        const shown = `"hook_parsed_variables":{"n":${id},"negative":${negative},"list":${list},"header":${inHeader},"query":${inHeader},"captured":${inHeader},"written":"${id.slice(1)}"}`;
        const text = await textOf(`/actions/${actionId}`);
        assert.ok(text.includes(shown), text);

        const [target] = (action as unknown as { targets: { id: number }[] }).targets;
        const log = await work.api.get<{ step: { output: string } }>(
          `/actions/${actionId}/targets/${target!.id}/steps/1/logs`,
        );
        const expected = [
          `n ${id}`,
          `negative ${negative}`,
          `list ${list}`,
          `header ${inHeader}`,
          `query ${inHeader}`,
          `captured ${inHeader}`,
        ];
        assert.equal(log.step.output.trim(), expected.join('\n'));

        await receiver.waitFor(sentBefore + 2);
        const sent = receiver.requests.slice(sentBefore);
        const asText = sent.find(({ path }) => path.startsWith('/text/'));
        assert.equal(asText?.path, `/text/${id}`);
        assert.equal(asText?.headers['x-number'], inHeader);
        assert.equal(
          asText?.body,
          `{"plain":${id},"json":${id},"inText":"${id}","negative":${negative},"first":${id},"header":${inHeader},"query":${inHeader},"captured":${inHeader}}`,
        );
        const asObject = sent.find(({ path }) => path === '/object');
        assert.equal(
          asObject?.body,
          `{"n":${id},"text":"${id}","list":${list},"inner":{"header":${inHeader},"constant":${id}}}`,
        );
      };

      const answer = await fetch(`${server.url}/api/hooks/${hook.id}/trigger?number=${inHeader}`, {
        method: 'POST',
        headers: { ...githubHeaders('push', hook.secret, body), 'x-number': inHeader },
        body,
      });
      const trigger = (await answer.json()) as {
        message: string;
        action_id: number;
        hook_request_id: string;
      };
      assert.equal(answer.status, 202, trigger.message);
      await check(trigger.action_id, 0);
      assert.ok(
        (await textOf(`/hook-requests/${trigger.hook_request_id}`)).includes(`"request_body":${body}`),
      );

      const retried = await work.api.post<{ id: number }>(`/actions/${trigger.action_id}/retry`);
      await check(retried.id, 2);
      const replayed = await work.api.post<{ action_id: number }>(
        `/hook-requests/${trigger.hook_request_id}/replay`,
        {},
      );
      await check(replayed.action_id, 4);

      const tried = await fetch(`${server.url}/api/hooks/incoming/${hook.id}/test`, {
        method: 'POST',
        headers: { authorization: `Bearer ${work.api.token}`, 'content-type': 'application/json' },
        body: '{}',
      });
      const outcome = await tried.text();
      assert.ok(outcome.includes(`"variables":{"n":${id},"negative":${negative},"list":${list}`), outcome);
      assert.ok(outcome.includes(`"found":${id}`), outcome);
    });

    test('is shown with its digits where it is of another type, or where a condition does not want it', async () => {
      const pipelineId = await createPipeline(work, await createApplication(work));
      const variables = [{ name: 'n', type: 'string' }];
      const typed = await createIncomingHook(work, pipelineId, { settings: { variables } });
      const refused = await sendSigned(server, typed, `{"n":${id}}`);
      assert.equal(refused.status, 422);
      assert.match(refused.body.message, new RegExp(`n at n must be of type string, but is number ${id}\\.`));
      const conditions = [{ path: 'n', accepted_values: ['9007199254740992'] }];
      const strict = await createIncomingHook(work, pipelineId, { trigger_when: { conditions } });
      const skipped = await sendSigned(server, strict, `{"n":${id}}`);
      assert.equal(skipped.status, 200);
      assert.match(skipped.body.message, new RegExp(`n must be "9007199254740992", and found was ${id}\\.`));
      assert.equal((await sendSigned(server, strict, '{"n":9007199254740992}')).status, 202);
    });

    test('as the id of a delivery is another one than its neighbours', async () => {
      const pipelineId = await createPipeline(work, await createApplication(work));
      const hook = await createIncomingHook(work, pipelineId, {
        settings: { delivery_id_paths: ['id'] },
      });
      const ids = ['9007199254740992', '9007199254740993', '9007199254740993'];
      const answers = [];
      // One after the other: the last is to find the second accepted.
      for (const one of ids)
        answers.push(
          await sendSigned(server, hook, `{"id":${one}}`, { headers: { 'x-github-delivery': '' } }),
        );
      const [first, second, repeat] = answers.map(({ body }) => body.action_id);
      assert.notEqual(first, second);
      assert.equal(second, repeat);
    });
  });
}
