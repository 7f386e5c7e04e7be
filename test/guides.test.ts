import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createApiClient, until } from './support/api-client.ts';
import type { ApiAnswer } from './support/api-client.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import type { TestDatabase } from './support/database.ts';
import {
  createApplication,
  createPipeline,
  openWorkplace,
  sendSigned,
  untilAction,
} from './support/fixtures.ts';
import type { TestApplication, Workplace } from './support/fixtures.ts';
import { githubPayload } from './support/github.ts';
import { startReceiver, testCaPath } from './support/receiver.ts';
import type { ReceivedRequest, Receiver } from './support/receiver.ts';
import { startServer } from './support/server.ts';
import type { TestServer } from './support/server.ts';

// The guides' requests as they are printed in `guides/`; only the list indentation around them is gone.
const tick = '`';

const LOGIN = String.raw`{
	"email": "<email>",
	"password": "<password>"
}`;

const COMMENT_ON_PULL_REQUEST = String.raw`{
    "name": "CD(deploy)",
    "action_type": "deploy",
    "resource_type": "application",
    "resource_id": <application-id>,
    "target_url": "https:\/\/<target_url>\/{{ action.triggered_from.hook_parsed_variables.pull_request_id }}",
    "settings": {
      "request_headers": [
        {
          "name": "Authorization",
          "value": "Bearer {{ application.source_provider.access_token }}"
        }
        // NOTE: add Request Headers (${tick}<request_headers>${tick}) here
      ],
      "request_body": {
        // NOTE: review the fields below according to Request Body (${tick}<request_body>${tick})
        "body": "Deployed pipeline for ${tick}PR #{{ action.triggered_from.hook_parsed_variables.pull_request_id }} ({{ action.triggered_from.hook_parsed_variables.pull_request_title }})${tick}: Devopness application ${tick}{{ application.name }}${tick} deployment **{{ action.status }}** on action <https:\/\/{{ application.name }}>"
      }
    },
    "trigger_when": {
      "events": [
        "action.started",
        "action.completed",
        "action.failed"
      ]
    }
  }`;

const STATUS_STARTED = String.raw`{
    "name": "CI(build)",
    "action_type": "deploy",
    "target_url": "https://<target_url>/{{ action.triggered_from.hook_parsed_variables.commit_hash }}",
    "settings": {
      "request_headers": [
        {
          "name": "Authorization",
          "value": "Bearer {{ application.source_provider.access_token }}"
        }
        // NOTE: add Request Headers (${tick}<request_headers>${tick}) here
      ],
      "request_body": {
        // NOTE: review the fields bellow according to Request Body (${tick}<request_body>${tick}) from the source provider instructions
        "state": <source_provider_pipeline_status>,
        "target_url": "https://app.devopness.com/actions/{{ action.id }}",
        "url": "https://app.devopness.com/actions/{{ action.id }}",
        "description": "Application building started",
        "context": "ci\/devopness(build)",
        "key": "ci\/devopness(build)"
      }
    },
    "trigger_when": {
      "events": [
        "action.started"
      ]
    }
  }`;

const STATUS_FAILED = String.raw`{
    "name": "CI(build)",
    "action_type": "deploy",
    "target_url": "https://<target_url>/{{ action.triggered_from.hook_parsed_variables.commit_hash }}",
    "settings": {
      "request_headers": [
        {
          "name": "Authorization",
          "value": "Bearer {{ application.source_provider.access_token }}"
        }
        // NOTE: add Request Headers (${tick}<request_headers>${tick}) here
      ],
      "request_body": {
        // NOTE: review the fields bellow according to Request Body (${tick}<request_body>${tick}) from the source provider instructions
        "state": <source_provider_pipeline_status>,
        "target_url": "https://app.devopness.com/actions/{{ action.id }}",
        "url": "https://app.devopness.com/actions/{{ action.id }}",
        "description": "Application building failed",
        "context": "ci\/devopness(build)",
        "key": "ci\/devopness(build)"
      }
    },
    "trigger_when": {
      "events": [
        "action.failed"
      ]
    }
  }`;

const STATUS_COMPLETED = String.raw`{
    "name": "CI(build)",
    "action_type": "deploy",
    "target_url": "https://<target_url>/{{ action.triggered_from.hook_parsed_variables.commit_hash }}",
    "settings": {
      "request_headers": [
        {
          "name": "Authorization",
          "value": "Bearer {{ application.source_provider.access_token }}"
        }
        // NOTE: add Request Headers (${tick}<request_headers>${tick}) here
      ],
      "request_body": {
        // NOTE: review the fields below according to Request Body (${tick}<request_body>${tick}) from the source provider instructions
        "state": <source_provider_pipeline_status>,
        "target_url": "https://app.devopness.com/actions/{{ action.id }}",
        "url": "https://app.devopness.com/actions/{{ action.id }}",
        "description": "Application building success",
        "context": "ci\/devopness(build)",
        "key": "ci\/devopness(build)"
      }
    },
    "trigger_when": {
      "events": [
        "action.completed"
      ]
    }
  }`;

const OLDER_INCOMING = String.raw`{
	"name": "run pipeline <pipeline_id> on application <application_id> using main branch",
	"requires_secret": true,
	"secret_algorithm": "sha256",
	"secret_header_name": "x-hub-signature-256",
	"action_type": "deploy",
	"resource_type": "application",
	"resource_id": <application_id>,
	"settings": {
		"variables": [
			{
				"name": "branch",
	    			"type": "string",
		    		"required": false,
			    	"default_value": "main"
			},
	    		{
		    		"name": "pipeline_id",
			    	"type": "integer",
				    "required": false,
				"default_value": <pipeline_id>
	    		}
		    ]
	}
}`;

const LOGIN_ON_ONE_LINE = String.raw`{ "email": "<email>", "password": "<password>" }`;

const INCOMING = String.raw`{ "name": "Deploy ${tick}main${tick} branch", "requires_secret": true, "secret_algorithm": "sha256", "secret_header_name": "x-hub-signature-256", "action_type": "deploy", "settings": { "variables": [ { "name": "source_type", "type": "string", "required": false, "default_value": "branch" }, { "name": "source_ref", "path": "pull_request.head.ref", "type": "string", "required": false, "default_value": "main" }, { "name": "pull_request_id", "path": "pull_request.number", "type": "integer", "required": false }, { "name": "pull_request_title", "path": "pull_request.title", "type": "string", "required": false }, { "name": "commit_hash", "path": "pull_request.head.sha", "type": "string", "required": false } ] } }`;

const MASK = '********';

type Hook = {
  id: string;
  name: string;
  url: string;
  secret: string;
  type: string;
  pipeline_id: number | null;
};
type Refusal = { message: string; errors: unknown };

for (const kind of databaseKinds) {
  describe(`the guides' requests, as printed, on ${kind}`, () => {
    let database: TestDatabase;
    let server: TestServer;
    let receiver: Receiver;
    let workplace: Workplace;
    let application: TestApplication;

    before(async () => {
      database = await createTestDatabase(kind);
      receiver = await startReceiver({ tls: true });
      server = await startServer({ database, env: { NODE_EXTRA_CA_CERTS: testCaPath } });
      workplace = await openWorkplace(server);
    });
    after(async () => {
      await server?.stop();
      await receiver?.close();
      await database?.drop();
    });

    /** As cURL sends it: the guide's headers and no other of our choosing. */
    async function curl<T>(
      method: string,
      path: string,
      token: string | null,
      body?: string,
    ): Promise<ApiAnswer<T>> {
      return await createApiClient(server.url).request<T>(method, path, body, {
        accept: 'application/json',
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        'content-type': 'application/json',
      });
    }

    async function signIn(body = LOGIN): Promise<string> {
      const filled = fill(body, { email: 'admin@example.com', password: 'correct-horse-battery' });
      const answer = await curl<{ access_token: string; token_type: string }>(
        'POST',
        '/users/login',
        null,
        filled,
      );
      assert.equal(answer.status, 200);
      assert.equal(answer.body.token_type, 'Bearer');
      return answer.body.access_token;
    }

    async function create(path: string, token: string, body: string): Promise<Hook> {
      const answer = await curl<Hook>('POST', path, token, body);
      assert.equal(answer.status, 201, JSON.stringify(answer.body));
      return answer.body;
    }

    async function listed(path: string, token: string): Promise<Hook[]> {
      const answer = await curl<Hook[]>('GET', path, token);
      assert.equal(answer.status, 200);
      return answer.body;
    }

    /** What arrived below `folder` of the receiver, once there are `count`. */
    async function arrivals(folder: string, count: number): Promise<ReceivedRequest[]> {
      const mine = () => receiver.requests.filter(({ path }) => `${path}/`.startsWith(`/${folder}/`));
      await receiver.waitFor(() => mine().length >= count, `${count} requests below /${folder}/`);
      return mine();
    }

    const target = (folder: string) => `localhost:${receiver.port}/${folder}`;

    test('guide 000: an outgoing hook comments each status of a deployment on its pull request', async () => {
      const token = await signIn();
      application = await createApplication(workplace);
      const pipelineId = await createPipeline(workplace, application, [
        'test "$HOOKLINE_VAR_PULL_REQUEST_ID"',
      ]);
      const incoming = await create(`/pipelines/${pipelineId}/hooks/incoming`, token, INCOMING);
      const body = fill(withoutComments(COMMENT_ON_PULL_REQUEST), {
        'application-id': application.id,
        target_url: target('comments'),
      });
      const hook = await create('/hooks/outgoing', token, body);
      assert.equal(hook.name, 'CD(deploy)');
      assert.equal(hook.type, 'out');
      const hooks = await listed(`/applications/${application.id}/hooks`, token);
      assert.deepEqual(hooks.map(({ id }) => id).sort(), [hook.id, incoming.id].sort());

      const { payload, pull } = pullRequest();
      const receipt = await sendSigned(workplace, incoming, payload, { event: 'pull_request' });
      assert.equal(receipt.status, 202, JSON.stringify(receipt.body));
      const action = await untilAction(workplace, receipt.body.action_id ?? assert.fail('no action'));
      assert.equal(action.status, 'completed', action.status_reason_human_readable);

      const requests = await arrivals('comments', 2);
      assert.deepEqual(
        requests.map(({ method, path }) => `${method} ${path}`),
        Array(2).fill(`POST /comments/${pull.number}`),
      );
      for (const [index, status] of ['in-progress', 'completed'].entries()) {
        const request = requests[index]!;
        assert.equal(request.headers.authorization, `Bearer ${application.accessToken}`);
        assert.equal(request.headers['content-type'], 'application/json');
        assert.deepEqual(request.json(), {
          body:
            `Deployed pipeline for ${tick}PR #${pull.number} (${pull.title})${tick}: Devopness application ` +
            `${tick}${application.name}${tick} deployment **${status}** on action <https://${application.name}>`,
        });
      }
    });

    test('guide 001: three outgoing hooks keep one commit status up to date, with one context', async () => {
      const token = await signIn();
      application = await createApplication(workplace);
      const fails = 'test "$HOOKLINE_VAR_PULL_REQUEST_TITLE" != "This one fails"';
      const pipelineId = await createPipeline(workplace, application, [fails]);
      const incoming = await create(`/pipelines/${pipelineId}/hooks/incoming`, token, INCOMING);
      const states: [string, string][] = [
        [STATUS_STARTED, 'pending'],
        [STATUS_FAILED, 'failure'],
        [STATUS_COMPLETED, 'success'],
      ];
      const ids: string[] = [];
      for (const [body, state] of states) {
        const filled = fill(withoutComments(body), {
          target_url: target('statuses'),
          source_provider_pipeline_status: JSON.stringify(state),
        });
        ids.push((await create(`/pipelines/${pipelineId}/hooks/outgoing`, token, filled)).id);
      }
      const hooks = await listed(`/pipelines/${pipelineId}/hooks`, token);
      assert.deepEqual(hooks.map(({ id }) => id).sort(), [...ids, incoming.id].sort());

      const runs: { title: string; sha: string; states: [string, string][] }[] = [
        {
          title: 'This one works',
          sha: 'a'.repeat(40),
          states: [
            ['pending', 'Application building started'],
            ['success', 'Application building success'],
          ],
        },
        {
          title: 'This one fails',
          sha: 'b'.repeat(40),
          states: [
            ['failure', 'Application building failed'],
            ['pending', 'Application building started'],
          ],
        },
      ];
      for (const { title, sha, states } of runs) {
        const { payload } = pullRequest({ title, sha });
        const receipt = await sendSigned(workplace, incoming, payload, { event: 'pull_request' });
        assert.equal(receipt.status, 202);
        const link = `https://app.devopness.com/actions/${receipt.body.action_id}`;
        const own = await arrivals(`statuses/${sha}`, 2);
        for (const request of own) {
          assert.equal(request.method, 'POST');
          assert.equal(request.headers.authorization, `Bearer ${application.accessToken}`);
        }
        // Each status is a hook of its own, and hooks do not wait for each other.
        const bodies = own.map((request) => request.json() as { state: string });
        assert.deepEqual(
          bodies.sort((a, b) => a.state.localeCompare(b.state)),
          states.map(([state, description]) => ({
            state,
            target_url: link,
            url: link,
            description,
            context: 'ci/devopness(build)',
            key: 'ci/devopness(build)',
          })),
        );
      }
    });

    test('guide 002: the older form of an incoming hook runs the pipeline that its variables choose', async () => {
      const token = await signIn();
      application = await createApplication(workplace);
      const other = await createApplication(workplace);
      const command = 'echo "deploying $HOOKLINE_SOURCE_TYPE $HOOKLINE_SOURCE_REF"';
      const usual = await createPipeline(workplace, application, [command]);
      const second = await createPipeline(workplace, application, [command]);
      const restart = await createPipeline(workplace, application, [command], { operation: 'restart' });
      const foreign = await createPipeline(workplace, other, [command]);
      const body = fill(OLDER_INCOMING, { pipeline_id: usual, application_id: application.id });
      const hook = await create('/hooks/incoming', token, body);
      assert.equal(hook.name, `run pipeline ${usual} on application ${application.id} using main branch`);
      assert.ok(hook.secret.length >= 32);

      const [entry] = await listed(`/applications/${application.id}/hooks`, token);
      assert.equal(entry?.id, hook.id);
      assert.equal(entry.secret, MASK);

      const run = async (payload: object) => {
        const receipt = await sendSigned(workplace, hook, JSON.stringify(payload));
        assert.equal(receipt.status, 202, JSON.stringify(receipt.body));
        const action = await untilAction(workplace, receipt.body.action_id ?? assert.fail('no action'));
        const targetId = (action.targets as { id: number }[])[0]?.id;
        const { step } = await workplace.api.get<{ step: { output: string } }>(
          `/actions/${action.id}/targets/${targetId}/steps/1/logs`,
        );
        return { pipelineId: action.pipeline_id, output: step.output };
      };
      assert.deepEqual(await run({}), { pipelineId: usual, output: 'deploying branch main\n' });
      assert.deepEqual(await run({ branch: 'release/2' }), {
        pipelineId: usual,
        output: 'deploying branch release/2\n',
      });
      assert.deepEqual(await run({ pipeline_id: second }), {
        pipelineId: second,
        output: 'deploying branch main\n',
      });

      for (const wrong of [foreign, restart, 999_999]) {
        const receipt = await sendSigned(workplace, hook, JSON.stringify({ pipeline_id: wrong }));
        assert.equal(receipt.status, 422);
        assert.equal(receipt.body.action_id, null);
        assert.equal(receipt.body.errors?.[0]?.field, 'pipeline_id');
        assert.match(receipt.body.errors?.[0]?.message ?? '', new RegExp(`\\b${wrong}\\b`));
      }
    });

    test('guide 003: a signed pull request runs the pipeline with the values it names', async () => {
      const token = await signIn(LOGIN_ON_ONE_LINE);
      application = await createApplication(workplace);
      const pipelineId = await createPipeline(workplace, application);
      const hook = await create(`/pipelines/${pipelineId}/hooks/incoming`, token, INCOMING);
      assert.equal(hook.name, `Deploy ${tick}main${tick} branch`);
      assert.match(hook.url, new RegExp(`^http://.*/api/hooks/${hook.id}/trigger$`));
      assert.notEqual(hook.secret, MASK);

      const [entry] = await listed(`/pipelines/${pipelineId}/hooks`, token);
      assert.equal(entry?.id, hook.id);
      assert.equal(entry.secret, MASK);
      const alone = await listed(`/hooks/incoming/${hook.id}`, token);
      assert.equal((alone as unknown as Hook).secret, MASK);

      const { payload, pull } = pullRequest();
      const receipt = await sendSigned(workplace, hook, payload, { event: 'pull_request' });
      assert.equal(receipt.status, 202);
      const action = await untilAction(workplace, receipt.body.action_id ?? assert.fail('no action'));
      assert.equal(action.status, 'completed');
      const triggered = action.triggered_from as Record<string, unknown>;
      assert.deepEqual(triggered.hook_parsed_variables, {
        source_type: 'branch',
        source_ref: pull.head.ref,
        pull_request_id: pull.number,
        pull_request_title: pull.title,
        commit_hash: pull.head.sha,
      });
      assert.equal(triggered.trigger_type, 'hook');
      assert.equal(triggered.hook_id, hook.id);
      assert.equal(triggered.hook_request_id, receipt.body.hook_request_id);
      assert.equal(triggered.ip_address, '127.0.0.1');

      const unsigned = await createApiClient(server.url).request<Refusal>(
        'POST',
        `/hooks/${hook.id}/trigger`,
        payload,
      );
      assert.equal(unsigned.status, 401);
    });

    test('guide 004: one hook reports every status of a deployment, in order and under one context', async () => {
      const token = await signIn();
      application = await createApplication(workplace);
      const pipelineId = await createPipeline(workplace, application);
      const incoming = await create(`/pipelines/${pipelineId}/hooks/incoming`, token, INCOMING);
      const asPrinted = await curl<Refusal>(
        'POST',
        `/pipelines/${pipelineId}/hooks/outgoing`,
        token,
        '{ ... }',
      );
      assert.equal(asPrinted.status, 400);
      assert.match(asPrinted.body.message, /line 1, column 3\b/);

      const variables = 'action.triggered_from.hook_parsed_variables';
      const body = JSON.stringify({
        name: 'commit status',
        target_url: `https://${target('all')}/{{ ${variables}.commit_hash }}`,
        settings: {
          request_headers: [
            { name: 'Authorization', value: 'Bearer {{ application.source_provider.access_token }}' },
          ],
          request_body: {
            state: '{{ action.status | commit_state: "github" }}',
            target_url: '{{ action.url_web_permalink }}',
            context: 'ci/hookline',
          },
        },
        trigger_when: { events: ['action.created', 'action.started', 'action.completed', 'action.failed'] },
      });
      const hook = await create(`/pipelines/${pipelineId}/hooks/outgoing`, token, body);
      const { payload, pull } = pullRequest();
      const receipt = await sendSigned(workplace, incoming, payload, { event: 'pull_request' });
      const requests = await arrivals('all', 3);
      assert.deepEqual(new Set(requests.map(({ path }) => path)), new Set([`/all/${pull.head.sha}`]));
      const action = await untilAction(workplace, receipt.body.action_id ?? assert.fail('no action'));
      assert.deepEqual(
        requests.map((request) => request.json()),
        ['pending', 'pending', 'success'].map((state) => ({
          state,
          target_url: action.url_web_permalink,
          context: 'ci/hookline',
        })),
      );
      assert.match(String(action.url_web_permalink), new RegExp(`/actions/${action.id}$`));
      // An attempt is recorded once its answer is there, a moment after the request has arrived.
      const records = () => listed(`/hooks/outgoing/${hook.id}/requests`, token);
      await until(async () => (await records()).length === 3, 'a record of each request');
    });

    test("a guide's body with its comments left in is answered 400 with line, column and what to remove", async () => {
      const token = await signIn();
      application = await createApplication(workplace);
      const pipelineId = await createPipeline(workplace, application);
      const filled = {
        'application-id': application.id,
        target_url: target('never'),
        source_provider_pipeline_status: '"pending"',
      };
      const cases: [string, string][] = [
        ['/hooks/outgoing', fill(COMMENT_ON_PULL_REQUEST, filled)],
        [`/pipelines/${pipelineId}/hooks/outgoing`, fill(STATUS_STARTED, filled)],
      ];
      for (const [path, body] of cases) {
        const answer = await curl<Refusal>('POST', path, token, body);
        assert.equal(answer.status, 400);
        assert.equal(answer.body.errors, null);
        assert.ok(answer.body.message.includes(placeOf(body, /^\s*(?=\/\/)/m)), answer.body.message);
        assert.match(answer.body.message, /comment/);
      }
      assert.deepEqual(await listed(`/applications/${application.id}/hooks`, token), []);
    });

    test("a guide's body with a placeholder left in is answered 400 and names the placeholder", async () => {
      const token = await signIn();
      const cases: [string, string, string][] = [
        ['/hooks/outgoing', withoutComments(COMMENT_ON_PULL_REQUEST), '<application-id>'],
        ['/hooks/incoming', OLDER_INCOMING, '<application_id>'],
        [
          `/pipelines/${await createPipeline(workplace, application)}/hooks/outgoing`,
          withoutComments(STATUS_FAILED),
          '<source_provider_pipeline_status>',
        ],
      ];
      for (const [path, body, placeholder] of cases) {
        const answer = await curl<Refusal>('POST', path, token, body);
        assert.equal(answer.status, 400);
        const place = placeOf(body, new RegExp(`^.*": (?=${placeholder})`, 'm'));
        assert.ok(answer.body.message.includes(place), `${answer.body.message} should name ${place}`);
        assert.ok(answer.body.message.includes(placeholder), answer.body.message);
      }
    });
  });
}

/** `<name>` becomes the value of `name`; what is not named stays. */
function fill(body: string, values: Record<string, string | number>): string {
  return Object.entries(values).reduce(
    (filled, [name, value]) => filled.replaceAll(`<${name}>`, String(value)),
    body,
  );
}

function withoutComments(body: string): string {
  return body
    .split('\n')
    .filter((line) => !/^\s*\/\//.test(line))
    .join('\n');
}

/** Where the first match of `before` ends, as an error names it. */
function placeOf(body: string, before: RegExp): string {
  const match = before.exec(body) ?? assert.fail(`${before} is not in the body`);
  const lines = body.slice(0, match.index + match[0].length).split('\n');
  return `line ${lines.length}, column ${lines.at(-1)!.length + 1}`;
}

type PullRequest = { number: number; title: string; head: { ref: string; sha: string } };

/** GitHub's real payload of an opened pull request, with a title and commit of its own where given. */
function pullRequest(changes: { title?: string; sha?: string } = {}): { payload: Buffer; pull: PullRequest } {
  const payload = githubPayload('pull_request', (example) => example.action === 'opened');
  const pull = payload.pull_request as PullRequest;
  pull.title = changes.title ?? pull.title;
  pull.head.sha = changes.sha ?? pull.head.sha;
  return { payload: Buffer.from(JSON.stringify(payload)), pull };
}
