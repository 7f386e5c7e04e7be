import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { maskBodyTemplate, maskUrlTemplate, writtenSecrets } from '../src/hooks/written-secrets.ts';
import { createTestDatabase } from './support/database.ts';
import { createApplication, createOutgoingHook, createPipeline } from './support/fixtures.ts';
import { startInProcessApp } from './support/in-process-app.ts';
import { startReceiver } from './support/receiver.ts';

// Put together here, so that nobody's search for leaked tokens finds them.
const chatToken = ['XXXX1234', 'abcdEFGH', '5678ijkl'].join('');

describe('secrets written into the URL of an outgoing hook', () => {
  const shown: [given: string, shown: string][] = [
    [
      `https://hooks.slack.example/services/T0001/B0001/${chatToken}`,
      'https://hooks.slack.example/services/T0001/B0001/********',
    ],
    [
      `https://chat.example/api/webhooks/123456789012345678/${chatToken}?wait=true`,
      'https://chat.example/api/webhooks/123456789012345678/********?wait=true',
    ],
    [
      'https://x.example/a?token=abc&access_token=longer-one#top',
      'https://x.example/a?token=abc&access_token=********#top',
    ],
    [`https://x.example/run?sig=${chatToken}%3D&v=1`, 'https://x.example/run?sig=********&v=1'],
    [`https://x.example/?q=${chatToken}`, 'https://x.example/?q=********'],
    [`https://x.example/?${chatToken}`, 'https://x.example/?********'],
    [
      `https://x.example/{{ action.id }}${chatToken}?key={{ a | default: "b?c/d" }}-literal`,
      'https://x.example/{{ action.id }}********?key={{ a | default: "b?c/d" }}********',
    ],
  ];
  for (const [given, masked] of shown) {
    test(`${masked} is what is shown`, () => assert.equal(maskUrlTemplate(given), masked));
  }

  const plain = [
    'https://api.github.com/repos/octocat/a-repository-with-a-long-name/statuses/{{ commit_hash }}',
    'https://x.example/projects/42/builds/2026-11-20?page=2&key=42',
    'http://a-very-long-host-name-with-digits-12345678.example/',
    '{{ action.url_web_permalink }}',
    '',
    '?',
  ];
  for (const url of plain) {
    test(`"${url}" is shown as it is`, () => {
      assert.equal(maskUrlTemplate(url), url);
      assert.deepEqual(writtenSecrets({ target_url: url, request_body: null }), []);
    });
  }

  test('are looked for as they are written and decoded', () => {
    const target_url = 'https://x.example/?token=with%2Fslash';
    assert.deepEqual(writtenSecrets({ target_url, request_body: null }), ['with%2Fslash', 'with/slash']);
  });
});

test('secrets written into a body are masked under their name, whatever form the body has', () => {
  const hide = maskBodyTemplate;
  assert.deepEqual(
    hide({ user: 'me-myself', auth: { api_key: 'hunter22' }, list: [{ tokens: ['hunter23'] }] }),
    {
      user: 'me-myself',
      auth: { api_key: '********' },
      list: [{ tokens: ['********'] }],
    },
  );
  assert.equal(hide('{"token": "hunter22", "a": 1}'), '{"token": "********", "a": 1}');
  assert.equal(hide('token=hunter22&a=1'), 'token=********&a=1');
  const templates = { token: '{{ application.source_provider.access_token }}', state: '{{ action.status }}' };
  for (const body of [templates, null, 'just a text', [1, null, true]]) assert.deepEqual(hide(body), body);
});

test('a hook that is sent back as it was read keeps the secrets of its URL and body, in part too', async (t) => {
  const database = await createTestDatabase('sqlite');
  t.after(() => database.drop());
  const receiver = await startReceiver();
  t.after(() => receiver.close());
  const app = await startInProcessApp({ database });
  t.after(() => app.stop());
  const pipelineId = await createPipeline(app, await createApplication(app));
  const target = `${receiver.url}/services/${chatToken}?token=hunter22`;
  const id = await createOutgoingHook(app, pipelineId, target, {
    settings: { request_body: { token: 'hunter23', password: 'hunter24', text: 'before' } },
    trigger_when: { events: ['action.completed'] },
  });
  type Hook = { target_url: string; settings: { request_body: Record<string, string> } };
  const read = () => app.api.get<Hook>(`/hooks/outgoing/${id}`);
  const hook = await read();
  assert.doesNotMatch(JSON.stringify(hook), new RegExp(`hunter2|${chatToken}`));

  await app.api.put(`/hooks/outgoing/${id}`, hook);
  hook.settings.request_body.text = 'after';
  hook.settings.request_body.password = 'hunter25';
  await app.api.put(`/hooks/outgoing/${id}`, hook);
  await app.api.post(`/pipelines/${pipelineId}/actions`, {});
  const [request] = await receiver.waitFor(1);
  assert.equal(receiver.url + request.path, target);
  assert.deepEqual(request.json(), { token: 'hunter23', password: 'hunter25', text: 'after' });

  const target_url = hook.target_url.replace('/services', '/elsewhere');
  const refused = await app.api.request<{ errors: { field: string; message: string }[] }>(
    'PUT',
    `/hooks/outgoing/${id}`,
    { target_url },
  );
  assert.equal(refused.status, 422);
  assert.deepEqual(
    refused.body.errors.map(({ field }) => field),
    ['target_url'],
  );
});
