import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { until } from './support/api-client.ts';
import { browserForTests } from './support/browser.ts';
import {
  createApplication,
  createPipeline,
  openWorkplace,
  type TestApplication,
  type Workplace,
} from './support/fixtures.ts';
import { startReceiver, type Receiver } from './support/receiver.ts';
import { startServer, type TestServer } from './support/server.ts';

const { openSignedIn } = browserForTests();
let server: TestServer;
let place: Workplace;
let application: TestApplication;
before(async () => {
  server = await startServer();
  place = await openWorkplace(server);
  application = await createApplication(place);
});
after(async () => {
  await server?.stop();
});

async function openAt(t: TestContext, path: string): Promise<Page> {
  return (await openSignedIn(t, server.url, path)).page;
}

async function receiverFor(t: TestContext): Promise<Receiver> {
  const receiver = await startReceiver();
  t.after(() => receiver.close());
  return receiver;
}

/** Runs the pipeline to its end. */
async function run(pipelineId: number): Promise<number> {
  const { id } = await place.api.post<{ id: number }>(`/pipelines/${pipelineId}/actions`, {});
  await until(
    async () => (await place.api.get<{ status: string }>(`/actions/${id}`)).status === 'completed',
    'the action to complete',
  );
  return id;
}

type Hook = { id: string; secret: string };
const addHook = (pipelineId: number, fields: object): Promise<Hook> =>
  place.api.post<Hook>(`/pipelines/${pipelineId}/hooks/outgoing`, { name: 'Board', ...fields });

const bodyOf = (page: Page) => page.locator('[data-preview] [data-request-body]');

test('a hook made from a preset sends what its preview has shown, and its address is not shown again', async (t) => {
  const receiver = await receiverFor(t);
  const pipelineId = await createPipeline(place, application);
  const actionId = await run(pipelineId);
  const page = await openAt(t, `/hooks/outgoing/new?pipeline=${pipelineId}`);
  await page.getByRole('button', { name: /^GitHub commit status/ }).click();
  await page.getByRole('textbox', { name: 'URL' }).waitFor();
  assert.match(await page.getByRole('textbox', { name: 'URL' }).inputValue(), /api\.github\.com.*statuses/);
  // The run has no commit: said before anything is made.
  await page.locator('[data-reason]', { hasText: 'This run has no commit' }).waitFor();
  await page.getByRole('button', { name: /^Slack message/ }).click();
  const secret = 'T0001/B0002/s3cr3tPartOfTheAddress99';
  await page
    .getByRole('textbox', { name: 'Webhook address from Slack' })
    .fill(`${receiver.url}/services/${secret}`);
  await page.locator('[data-reason]', { hasText: 'It would be sent.' }).waitFor();
  await bodyOf(page).getByText(`/actions/${actionId}|Details`).waitFor();
  const told = JSON.parse((await bodyOf(page).textContent()) ?? '') as { text: string };
  await page.getByRole('button', { name: 'Create the hook' }).click();
  await page.getByRole('heading', { level: 1, name: 'Slack message' }).waitFor();
  await page.getByText('Nothing was to be sent yet').waitFor();
  const nextId = await run(pipelineId);
  const sent = await receiver.waitFor(1);
  assert.deepEqual(sent[0]?.json(), {
    text: told.text.replace(`/actions/${actionId}|`, `/actions/${nextId}|`),
  });
  await page.getByRole('row', { name: /Delivered/ }).waitFor();
  assert.doesNotMatch(await page.content(), /s3cr3tPart/);
});

test('a free form is completed as one types, and previewed about the action that one chooses', async (t) => {
  const receiver = await receiverFor(t);
  const pipelineId = await createPipeline(place, application);
  const [first, second] = [await run(pipelineId), await run(pipelineId)];
  const page = await openAt(t, `/hooks/outgoing/new?pipeline=${pipelineId}&preset=free`);
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Board');
  await page.getByRole('textbox', { name: 'URL' }).fill(`${receiver.url}/board`);
  const body = page.getByRole('textbox', { name: 'Body' });
  await body.fill('');
  await body.pressSequentially('{"state": "{{ action.stat');
  await page.getByRole('option', { name: /^action\.status(?!_)/ }).waitFor();
  await body.press('Enter');
  // The cursor stands before the end of the expression.
  assert.equal(await body.inputValue(), '{"state": "{{ action.status }}');
  await body.pressSequentially(' | upc');
  await page.getByRole('option', { name: 'upcase' }).waitFor();
  await body.press('Tab');
  await body.press('End');
  await body.pressSequentially('", "id": "');
  await page.getByTitle('Take action.id', { exact: true }).click();
  await body.press('End');
  await body.pressSequentially('"}');
  assert.equal(await body.inputValue(), '{"state": "{{ action.status | upcase }}", "id": "{{ action.id }}"}');
  const shows = (id: number) => bodyOf(page).getByText(`"id": "${id}"`).waitFor();
  await bodyOf(page).getByText('COMPLETED').waitFor();
  await shows(second);
  await page.getByRole('combobox', { name: 'About the action' }).click();
  await page.getByRole('option', { name: new RegExp(`^${first} `) }).click();
  await shows(first);
  await page.getByRole('combobox', { name: 'Event' }).click();
  await page.getByRole('option', { name: 'action.failed' }).click();
  await bodyOf(page).getByText('FAILED').waitFor();

  await body.fill('{"state": "{{ action.statsu }}"}');
  await page.getByText('Did you mean "action.status"?').waitFor();
  assert.equal(await page.locator('[data-unknown]').textContent(), 'action.statsu');
  await body.fill('{"state": "{{ action.status | upcaes }}"}');
  await page.getByText('undefined filter: upcaes').waitFor();
  await body.fill('{"state": ');
  await page.getByText('Not JSON yet').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Create the hook' }).isDisabled(), true);
  await body.fill('{"state": "{{ action.status }}", "id": "{{ action.id | json }}"}');
  await page.getByRole('switch', { name: 'Sign each request' }).check();
  await page.getByRole('button', { name: 'Create the hook' }).click();
  const secret = await page.getByRole('textbox', { name: 'Secret' }).inputValue();
  assert.match(secret, /^whsec_/);
  await page.getByRole('link', { name: 'To the hook' }).click();
  await page.getByRole('heading', { level: 1, name: 'Board' }).waitFor();
  const third = await run(pipelineId);
  const sent = await receiver.waitFor(1);
  assert.deepEqual(sent[0]?.json(), { state: 'completed', id: third });
  assert.match(String(sent[0]?.headers['webhook-signature']), /^v1,/);
  assert.ok(!(await page.content()).includes(secret));
});

test('a receiver that fails is seen with its attempts and why, mended and sent to again', async (t) => {
  const receiver = await receiverFor(t);
  receiver.setBehaviour(() => ({ kind: 'answer', status: 503, body: '{"error":"maintenance"}' }));
  const pipelineId = await createPipeline(place, application);
  const { id } = await addHook(pipelineId, {
    target_url: `${receiver.url}/board`,
    settings: {
      request_headers: [
        { name: 'Authorization', value: 'Bearer {{ application.source_provider.access_token }}' },
      ],
      request_body: { state: '{{ action.status }}' },
    },
    trigger_when: { events: ['action.completed'] },
  });
  await run(pipelineId);
  await receiver.waitFor(1);
  const page = await openAt(t, `/hooks/outgoing/${id}`);
  await page.locator('[data-last-failure]', { hasText: 'Answered 503' }).waitFor();
  await page.getByRole('combobox', { name: 'Status' }).click();
  await page.getByRole('option', { name: 'Pending' }).click();
  await page.waitForURL(/status=pending/);
  await page.getByRole('link', { name: 'Completed' }).click();
  await page.locator('[data-delivery-reason]', { hasText: 'Answered 503' }).waitFor();
  const answer = page.locator('[data-answer]:visible').first();
  await answer.getByText('maintenance').waitFor();
  await page
    .locator('[data-timing]:visible')
    .first()
    .getByText(/^First byte/)
    .waitFor();
  await page
    .locator('[data-request-headers]:visible', { hasText: 'authorization: ********' })
    .first()
    .waitFor();
  assert.ok(!(await page.content()).includes(application.accessToken));
  receiver.setBehaviour(() => ({ kind: 'answer', status: 200 }));
  // Its own retry may come before.
  await page.getByRole('button', { name: /^(Send now|Redeliver)$/ }).click();
  await page.getByRole('menuitem', { name: 'Made anew, with the hook as it is now' }).click();
  await page.locator('h1 ~ [data-status=delivered]').waitFor();
  await page.getByText('200', { exact: true }).first().waitFor();
  await page.getByRole('button', { name: 'Redeliver' }).click();
  await page.getByRole('menuitem', { name: 'The body as it was first sent' }).click();
  await until(async () => receiver.requests.length >= 3, 'the third request');
  const ids = new Set(receiver.requests.map(({ headers }) => headers['webhook-id']));
  assert.equal(ids.size, 1);
});

test('what was rejected is recovered, and the page shows how far it has come', async (t) => {
  const receiver = await receiverFor(t);
  receiver.setBehaviour(() => ({ kind: 'answer', status: 400 }));
  const pipelineId = await createPipeline(place, application);
  const { id } = await addHook(pipelineId, {
    target_url: `${receiver.url}/board`,
    settings: { request_body: { id: '{{ action.id | json }}' } },
    trigger_when: { events: ['action.completed'] },
  });
  const actions = [await run(pipelineId), await run(pipelineId), await run(pipelineId)];
  await until(
    async () =>
      (await place.api.get<unknown[]>(`/hooks/outgoing/${id}/deliveries?status=rejected`)).length === 3,
    'three rejected deliveries',
  );
  const page = await openAt(t, `/hooks/outgoing/${id}?tab=recover`);
  receiver.setBehaviour(() => ({ kind: 'answer', status: 200, delayMs: 500 }));
  await page.getByRole('button', { name: 'Recover', exact: true }).click();
  const card = page.locator('[data-recovery]');
  await card.getByText(/^\d of 3 settled/).waitFor();
  await card.getByText('3 of 3 settled: 3 delivered.').waitFor();
  const recovered = receiver.requests.slice(3).map((request) => (request.json() as { id: number }).id);
  assert.deepEqual(
    recovered.toSorted((a, b) => a - b),
    actions,
  );
});

test('a hook that is off says why and is switched on; what is masked survives a change of the rest', async (t) => {
  const receiver = await receiverFor(t);
  receiver.setBehaviour(() => ({ kind: 'answer', status: 410 }));
  const pipelineId = await createPipeline(place, application);
  const { id } = await addHook(pipelineId, {
    target_url: `${receiver.url}/board?token=abcdef-0123456789`,
    settings: { request_body: { state: '{{ action.status }}' } },
    trigger_when: { events: ['action.completed'] },
  });
  await run(pipelineId);
  const page = await openAt(t, `/hooks/outgoing/${id}`);
  await page.getByText('Hookline has disabled this hook').waitFor();
  await page.locator('[data-health]', { hasText: '410' }).waitFor();
  receiver.setBehaviour(() => ({ kind: 'answer', status: 200 }));
  await page.locator('[data-health]').getByRole('button', { name: 'Enable' }).click();
  await page.locator('h1 ~ [data-status=active]').waitFor();
  await page.getByRole('tab', { name: /^Request and preview/ }).click();
  await page.getByRole('textbox', { name: 'Body' }).fill('{"told": "{{ action.status }}"}');
  await bodyOf(page).getByText('"told": "completed"').waitFor();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();
  assert.doesNotMatch(await page.content(), /abcdef-0123456789/);
  await run(pipelineId);
  const sent = await receiver.waitFor(2);
  assert.equal(sent[1]?.path, '/board?token=abcdef-0123456789');
  assert.deepEqual(sent[1]?.json(), { told: 'completed' });
});
