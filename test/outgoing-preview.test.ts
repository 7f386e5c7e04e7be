import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { createApplication, createPipeline, type TestApplication } from './support/fixtures.ts';
import { startInProcessApp, type InProcessApp } from './support/in-process-app.ts';

let database: TestDatabase;
let app: InProcessApp;
let application: TestApplication;
let pipelineId: number;
before(async () => {
  database = await createTestDatabase('sqlite');
  app = await startInProcessApp({ database });
  application = await createApplication(app);
  pipelineId = await createPipeline(app, application, []);
});
after(async () => {
  await app?.stop();
  await database?.drop();
});

type Preview = {
  name: string;
  target_url: string;
  settings: { request_body: unknown };
  preview: { request: { url: string; headers: Record<string, string>; body: string } | null } | null;
  warnings: { field: string; message: string }[];
  context: Record<string, unknown>;
  names: string[];
  filters: string[];
};

const draft = (hook: object, wanted: object = {}) => ({ hook: { name: 'draft', ...hook }, ...wanted });
const previewNew = (hook: object, wanted: object = {}) =>
  app.api.post<Preview>(`/pipelines/${pipelineId}/hooks/outgoing/preview`, draft(hook, wanted));

test('a hook can be previewed before any action has run, with all names, and nothing is stored', async () => {
  const shown = await previewNew({ preset: 'github-commit-status' });
  assert.equal(shown.preview, null);
  assert.deepEqual(shown.context, {});
  assert.match(shown.target_url, /statuses\/\{\{ action\.commit\.hash \}\}$/);
  assert.ok(shown.names.includes('action.commit.hash'));
  assert.ok(shown.filters.includes('commit_state') && shown.filters.includes('truncate'));
  assert.deepEqual(await app.api.get(`/pipelines/${pipelineId}/hooks`), []);
});

test('no filter brings the access token out of a preview: it is not there', async () => {
  await app.api.post(`/pipelines/${pipelineId}/actions`, {});
  const token = '{{ application.source_provider.access_token';
  const { preview, context } = await previewNew({
    target_url: `https://example.com/${token} | slice: 4, 8 }}`,
    settings: {
      request_body: {
        reversed: `${token} | split: "" | reverse | join: "" }}`,
        part: `${token} | slice: 5, 9 }}`,
      },
    },
  });
  const parts = [application.accessToken, application.accessToken.split('').toReversed().join('')];
  const text = JSON.stringify({ preview, context });
  for (const part of parts)
    for (let at = 0; at + 6 <= part.length; at++) assert.ok(!text.includes(part.slice(at, at + 6)), text);
});

test('a change is previewed with what the hook keeps masked, and unknown names are told by field', async () => {
  const { id } = await app.api.post<{ id: string }>(`/pipelines/${pipelineId}/hooks/outgoing`, {
    name: 'kept',
    target_url: 'https://example.com/?token=abcdef-0123456789',
  });
  const shown = await app.api.post<Preview>(`/hooks/outgoing/${id}/preview`, {
    hook: {
      target_url: 'https://example.com/?token=********',
      settings: { request_body: { state: '{{ action.statsu }}' } },
    },
    event: 'action.failed',
  });
  assert.equal(shown.preview?.request?.url, 'https://example.com/?token=********');
  assert.deepEqual(
    shown.warnings.map(({ field }) => field),
    ['settings.request_body.state'],
  );
  const kept = await app.api.get<{ settings: { request_body: unknown } }>(`/hooks/outgoing/${id}`);
  assert.equal(kept.settings.request_body, null);
  const elsewhere = await app.api.request('POST', `/hooks/outgoing/${id}/preview`, {
    hook: { target_url: 'https://other.example.com/?token=********' },
  });
  assert.equal(elsewhere.status, 422);
});

test('a template that does not parse is told with its field, as it would be at saving', async () => {
  const answer = await app.api.request(
    'POST',
    `/pipelines/${pipelineId}/hooks/outgoing/preview`,
    draft({
      target_url: 'https://example.com/',
      settings: { request_body: { a: '{{ action.id | upcaes }}' } },
    }),
  );
  assert.equal(answer.status, 422);
  assert.match(JSON.stringify(answer.body), /hook\.settings\.request_body\.a|settings\.request_body\.a/);
});
