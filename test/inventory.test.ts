import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { Client } from 'pg';
import ssh2 from 'ssh2';
import { keyPair } from '../src/inventory/servers/key-pair.ts';
import { AppError } from '../src/platform/errors.ts';
import { parseJsonBody } from '../src/platform/http/parse-json-body.ts';
import { until } from './support/api-client.ts';
import type { ApiAnswer } from './support/api-client.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import type { TestDatabase } from './support/database.ts';
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
import { startServer } from './support/server.ts';
import type { TestServer } from './support/server.ts';

const MASK = '********';

type Faults = { message: string; errors: { field: string; message: string }[] | null };
type Named = { id: number; name: string };
type Step = { id: number; command: string; trigger_order: number };
type Variable = { id: number; key: string; value: string; hidden: boolean };
type Machine = {
  id: number;
  hostname: string;
  ssh_public_key: string;
  ssh_install_command: string;
  ssh_port: number;
  ssh_user: string;
};

for (const kind of databaseKinds) {
  describe(`the inventory on ${kind}`, () => {
    let database: TestDatabase;
    let server: TestServer;
    let workplace: Workplace;
    let home: string;

    before(async () => {
      database = await createTestDatabase(kind);
      server = await startServer({ database });
      workplace = await openWorkplace(server);
      home = `/environments/${workplace.environmentId}`;
    });
    after(async () => {
      await server?.stop();
      await database?.drop();
    });

    const send = <T = Faults>(method: string, path: string, body?: unknown): Promise<ApiAnswer<T>> =>
      workplace.api.request<T>(method, path, body);
    const fieldsOf = ({ body }: ApiAnswer<Faults>) => (body.errors ?? []).map(({ field }) => field).sort();

    describe('credentials', () => {
      const given = (token: string) => ({
        name: 'hub',
        provider_code: 'github',
        settings: { access_token: token },
      });

      test('an access token is in no answer and not in plain text in the database', async () => {
        const tokens = [
          'ghp_Zebra0123456789created',
          'ghp_Zebra0123456789changed',
          'ghp_Zebra0123456789nested',
        ];
        const path = `${home}/credentials`;
        const created = await send<Named>('POST', path, given(tokens[0]!));
        assert.equal(created.status, 201);
        const one = `/credentials/${created.body.id}`;
        const answers: unknown[] = [created.body, await workplace.api.get(one)];
        const changed = await send('PUT', one, {
          name: 'hub 2',
          settings: { access_token: tokens[1], api_url: 'https://git.example.com/api/v3/' },
        });
        assert.equal(changed.status, 204);
        const read = await workplace.api.get<{
          name: string;
          settings: { access_token: string; api_url: string };
        }>(one);
        assert.equal(read.name, 'hub 2');
        assert.deepEqual(read.settings, { access_token: MASK, api_url: 'https://git.example.com/api/v3' });
        const nested = await send('POST', path, {
          ...given(''),
          settings: { credential: { access_token: tokens[2] } },
        });
        assert.equal(nested.status, 201);
        answers.push(
          read,
          nested.body,
          await workplace.api.get(path),
          await workplace.api.get(`/organizations/${workplace.organizationId}/credentials`),
        );
        const stored = await everythingStored(database);
        for (const token of tokens) {
          assert.ok(!JSON.stringify(answers).includes(token), `an answer shows ${token}`);
          assert.ok(!stored.includes(token), `the database holds ${token} in plain text`);
          assert.ok(!stored.includes(Buffer.from(token).toString('base64').slice(0, -4)));
        }
        assert.ok(stored.includes('hub 2'), 'the test does not see what is stored');
      });

      test('an access token that comes back as its mask, or not at all, is kept', async () => {
        const application = await createApplication(workplace);
        const path = `/credentials/${application.credentialId}`;
        const shown = await workplace.api.get<object>(path);
        assert.equal((await send('PUT', path, shown)).status, 204);
        assert.equal((await send('PUT', path, { name: 'renamed' })).status, 204);
        // What would be sent tells what is stored: a test of its own follows the token out of the program.
        const pipelineId = await createPipeline(workplace, application);
        const hook = await createOutgoingHook(
          workplace,
          pipelineId,
          'http://127.0.0.1:9/{{ application.source_provider.access_token | size }}-{{ application.source_provider.access_token | slice: 0, 4 }}',
          { trigger_when: { events: ['action.created'] } },
        );
        await workplace.api.post(`/pipelines/${pipelineId}/actions`, {});
        const [sent] = await until(async () => {
          const requests = await workplace.api.get<{ url: string }[]>(`/hooks/outgoing/${hook}/requests`);
          return requests.length > 0 && requests;
        }, 'an attempt to send');
        assert.match(sent?.url ?? '', new RegExp(`/${application.accessToken.length}-ghp_$`));
      });

      test('a credential in use cannot be deleted, and the answer says by what; a free one can', async () => {
        const application = await createApplication(workplace);
        const path = `/credentials/${application.credentialId}`;
        const refused = await send('DELETE', path);
        assert.equal(refused.status, 409);
        assert.ok(refused.body.message.includes(application.name));
        await workplace.api.delete(`/applications/${application.id}`);
        assert.equal((await send('DELETE', path)).status, 204);
        assert.equal((await send('GET', path)).status, 404);
      });

      test('an organization’s credential can be used in its environments', async () => {
        const { body } = await send<Named>(
          'POST',
          `/organizations/${workplace.organizationId}/credentials`,
          given('ghp_shared'),
        );
        const listed = await workplace.api.get<Named[]>(`${home}/credentials?per_page=100`);
        assert.ok(listed.some(({ id }) => id === body.id));
        await createApplication(workplace, { credential_id: body.id });
      });

      test('every fault of a credential is named at once', async () => {
        const answer = await send('POST', `${home}/credentials`, {
          provider_code: 'sourceforge',
          provider_type: 'cloud',
          active: 'yes',
          settings: { access_token: 7 },
        });
        assert.equal(answer.status, 422);
        assert.deepEqual(fieldsOf(answer), [
          'active',
          'name',
          'provider_code',
          'provider_type',
          'settings.access_token',
        ]);
        assert.deepEqual(
          fieldsOf(await send('POST', `${home}/credentials`, { ...given('x'), settings: {} })),
          ['settings.access_token'],
        );
        assert.deepEqual(
          fieldsOf(
            await send('POST', `${home}/credentials`, {
              ...given('x'),
              settings: { access_token: 'x', api_url: 'ftp://x' },
            }),
          ),
          ['settings.api_url'],
        );
      });
    });

    describe('applications', () => {
      test('an application is created, read, listed, changed and deleted', async () => {
        const { id, name } = await createApplication(workplace, { default_branch: 'trunk' });
        const path = `/applications/${id}`;
        const read = await workplace.api.get<Record<string, unknown>>(path);
        assert.equal(read.name, name);
        assert.equal(read.repository_owner, 'octocat');
        assert.equal(read.repository_name, 'hello-world');
        assert.equal(read.default_branch, 'trunk');
        assert.equal((await workplace.api.get<Named[]>(`${home}/applications`))[0]?.id, id);
        assert.equal(
          (await send('PUT', path, { repository: 'https://gitlab.example.com/group/sub/project.git' }))
            .status,
          204,
        );
        const changed = await workplace.api.get<Record<string, unknown>>(path);
        assert.equal(changed.repository_owner, 'group/sub');
        assert.equal(changed.repository_name, 'project');
        assert.equal(changed.name, name);
        assert.equal(changed.default_branch, 'trunk');
        assert.equal((await send('DELETE', path)).status, 204);
        assert.equal((await send('GET', path)).status, 404);
      });

      test('two applications of an environment cannot have one name, at creation or by a change', async () => {
        const [one, other] = [await createApplication(workplace), await createApplication(workplace)];
        const again = await send('POST', `${home}/applications`, { name: one.name, repository: 'a/b' });
        assert.equal(again.status, 422);
        assert.deepEqual(fieldsOf(again), ['name']);
        const renamed = await send('PUT', `/applications/${other.id}`, { name: one.name });
        assert.equal(renamed.status, 422);
        assert.deepEqual(fieldsOf(renamed), ['name']);
        assert.equal((await send('PUT', `/applications/${one.id}`, { name: one.name })).status, 204);
      });

      test('deleting an application takes along its variables, pipelines and hooks; its actions stay', async () => {
        const application = await createApplication(workplace);
        const pipelineId = await createPipeline(workplace, application);
        const hook = await createIncomingHook(workplace, pipelineId);
        const outgoing = await createOutgoingHook(workplace, pipelineId, 'https://example.com/');
        const older = await workplace.api.post<{ id: string }>('/hooks/incoming', {
          name: 'older',
          resource_type: 'application',
          resource_id: application.id,
          action_type: 'deploy',
        });
        const variable = await workplace.api.post<Named>(`/applications/${application.id}/variables`, {
          key: 'A',
          value: 'b',
        });
        const { body } = await sendSigned(server, hook, '{}');
        const action = await untilAction(workplace, body.action_id ?? assert.fail('no action'));
        await workplace.api.delete(`/applications/${application.id}`);
        for (const path of [
          `/pipelines/${pipelineId}`,
          `/hooks/incoming/${hook.id}`,
          `/hooks/incoming/${older.id}`,
          `/hooks/outgoing/${outgoing}`,
          `/variables/${variable.id}`,
          `/pipelines/application/${application.id}`,
          `/applications/${application.id}/hooks`,
        ]) {
          assert.equal((await send('GET', path)).status, 404, path);
        }
        assert.equal((await sendSigned(server, hook, '{}')).status, 404);
        assert.equal((await sendSigned(server, { id: older.id, secret: '' }, '{}')).status, 404);
        assert.equal(
          (await workplace.api.get<{ status: string }>(`/actions/${action.id}`)).status,
          'completed',
        );
      });

      test('an id is never used again after its object was deleted', async () => {
        const first = await createApplication(workplace);
        await workplace.api.delete(`/applications/${first.id}`);
        assert.ok((await createApplication(workplace)).id > first.id);
      });

      test('every fault of an application is named at once', async () => {
        const answer = await send('POST', `${home}/applications`, {
          name: 'x'.repeat(61),
          default_branch: '',
          deployments_keep: 0,
          credential_id: 'one',
        });
        assert.equal(answer.status, 422);
        assert.deepEqual(
          [...new Set(fieldsOf(answer))],
          ['credential_id', 'default_branch', 'deployments_keep', 'name', 'repository'],
        );
        const { name } = await createApplication(workplace);
        const second = await send('POST', `${home}/applications`, {
          name,
          repository: 'not a repository',
          credential_id: 999_999,
        });
        assert.deepEqual(fieldsOf(second), ['credential_id', 'name', 'repository']);
        for (const repository of [
          '',
          'alone',
          '../x',
          'a/../b',
          'a b/c',
          'file:///etc/passwd',
          '--upload-pack=x',
        ]) {
          assert.deepEqual(
            fieldsOf(await send('POST', `${home}/applications`, { name: 'fresh', repository })),
            ['repository'],
            repository,
          );
        }
      });
    });

    describe('servers', () => {
      const hostname = () => `web-${Math.random().toString(36).slice(2)}`;

      test('a server without a key gets a pair of its own, with the line that installs it', async () => {
        const created = await workplace.api.post<Machine>(`${home}/servers`, {
          hostname: hostname(),
          ip_address: '192.0.2.7',
        });
        assert.match(created.ssh_public_key, /^ssh-ed25519 AAAA\S+ hookline-web-/);
        assert.ok(created.ssh_install_command.includes(created.ssh_public_key));
        assert.ok(!(ssh2.utils.parseKey(created.ssh_public_key) instanceof Error));
        assert.deepEqual([created.ssh_port, created.ssh_user], [22, 'root']);
        const other = await workplace.api.post<Machine>(`${home}/servers`, { hostname: hostname() });
        assert.notEqual(other.ssh_public_key.split(' ')[1], created.ssh_public_key.split(' ')[1]);
        assert.doesNotMatch(JSON.stringify(await workplace.api.get(`/servers/${created.id}`)), /PRIVATE KEY/);
      });

      test('a given private key is used, shown by its public half alone, and sealed at rest', async () => {
        const pair = readablePair();
        const rsa = generateKeyPairSync('rsa', {
          modulusLength: 2048,
          privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
          publicKeyEncoding: { type: 'spki', format: 'pem' },
        });
        const created = await workplace.api.post<Machine>(`${home}/servers`, {
          hostname: hostname(),
          ssh_private_key: pair.private,
        });
        assert.equal(created.ssh_public_key.split(' ')[1], pair.public.split(' ')[1]);
        assert.equal(
          (await send('PUT', `/servers/${created.id}`, { ssh_private_key: rsa.privateKey })).status,
          204,
        );
        const changed = await workplace.api.get<Machine>(`/servers/${created.id}`);
        assert.match(changed.ssh_public_key, /^ssh-rsa /);
        const stored = await everythingStored(database);
        for (const key of [pair.private, rsa.privateKey])
          assert.ok(!stored.includes(key.split('\n')[2]!), 'a private key is stored in plain text');
      });

      test('what is no private key is refused, and told which kind of key it is', async () => {
        const pair = readablePair();
        const locked = readablePair({ passphrase: 'locked', cipher: 'aes256-cbc', rounds: 1 });
        for (const [key, what] of [
          [pair.public, /public/],
          [locked.private, /passphrase/],
          ['nonsense', /not a private key/],
          ['-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----', /key/],
        ] as const) {
          const answer = await send('POST', `${home}/servers`, {
            hostname: hostname(),
            ssh_private_key: key,
          });
          assert.equal(answer.status, 422, key);
          assert.deepEqual(fieldsOf(answer), ['ssh_private_key']);
          assert.match(answer.body.errors![0]!.message, what);
        }
      });

      test('two servers of an environment cannot have one hostname, at creation or by a change', async () => {
        const [one, other] = [
          await workplace.api.post<Machine>(`${home}/servers`, { hostname: hostname() }),
          await workplace.api.post<Machine>(`${home}/servers`, { hostname: hostname() }),
        ];
        const again = await send('POST', `${home}/servers`, { hostname: one.hostname });
        assert.equal(again.status, 422);
        const renamed = await send('PUT', `/servers/${other.id}`, { hostname: one.hostname });
        assert.equal(renamed.status, 422, JSON.stringify(renamed.body));
        assert.deepEqual(fieldsOf(renamed), ['hostname']);
      });

      test('a hostname or user that could be more than a name is refused', async () => {
        for (const body of [
          { hostname: "x'; rm -rf /" },
          { hostname: '-oProxyCommand=x' },
          { hostname: 'a', ssh_user: '-l' },
          { hostname: 'a', ssh_port: 0 },
          { hostname: 'a', ip_address: 'a b' },
          {},
        ]) {
          assert.equal((await send('POST', `${home}/servers`, body)).status, 422, JSON.stringify(body));
        }
      });

      test('a server is listed, changed and deleted', async () => {
        const { id } = await workplace.api.post<Machine>(`${home}/servers`, { hostname: hostname() });
        assert.equal((await workplace.api.get<Machine[]>(`${home}/servers`))[0]?.id, id);
        assert.equal((await send('PUT', `/servers/${id}`, { ssh_port: 2222 })).status, 204);
        assert.equal((await workplace.api.get<Machine>(`/servers/${id}`)).ssh_port, 2222);
        assert.equal((await send('DELETE', `/servers/${id}`)).status, 204);
        assert.equal((await send('GET', `/servers/${id}`)).status, 404);
      });
    });

    describe('variables', () => {
      test('a hidden value is masked in every answer, kept by its mask, and not in plain text in the database', async () => {
        const { id } = await createApplication(workplace);
        const secret = 'Zebra-0123456789-hidden';
        const created = await workplace.api.post<Variable>(`/applications/${id}/variables`, {
          key: 'TOKEN',
          value: secret,
          hidden: true,
        });
        assert.equal(created.value, MASK);
        const path = `/variables/${created.id}`;
        assert.equal((await workplace.api.get<Variable>(path)).value, MASK);
        assert.equal((await workplace.api.get<Variable[]>(`/variables/application/${id}`))[0]?.value, MASK);
        assert.ok(!(await everythingStored(database)).includes(secret));
        await workplace.api.put(path, { key: 'RENAMED', value: MASK });
        const unmasked = await send('PUT', path, { key: 'RENAMED', value: MASK, hidden: false });
        assert.equal(unmasked.status, 422);
        const lengthPipeline = await createPipeline(workplace, { id }, [
          'test "${#RENAMED}" = 23 && case "$RENAMED" in Zebra-*) exit 0;; esac; exit 1',
        ]);
        const action = await workplace.api.post<{ id: number }>(`/pipelines/${lengthPipeline}/actions`, {});
        assert.equal(
          (await untilAction(workplace, action.id)).status,
          'completed',
          'the mask did not keep the value',
        );
      });

      test('a variable that is not hidden is shown, listed under both addresses, changed and deleted', async () => {
        const { id } = await createApplication(workplace);
        const created = await workplace.api.post<Variable>(`/variables/application/${id}`, {
          key: 'NODE_ENV',
          value: 'production',
        });
        for (const path of [`/variables/application/${id}`, `/applications/${id}/variables`]) {
          assert.deepEqual(
            (await workplace.api.get<Variable[]>(path)).map(({ key, value }) => [key, value]),
            [['NODE_ENV', 'production']],
          );
        }
        await workplace.api.put(`/variables/${created.id}`, { key: 'NODE_ENV', value: 'staging' });
        assert.equal((await workplace.api.get<Variable>(`/variables/${created.id}`)).value, 'staging');
        await workplace.api.delete(`/variables/${created.id}`);
        assert.equal((await send('GET', `/variables/${created.id}`)).status, 404);
      });

      test('a resource has each key once, at creation and by a change', async () => {
        const { id } = await createApplication(workplace);
        await workplace.api.post(`/applications/${id}/variables`, { key: 'A', value: '1' });
        const second = await workplace.api.post<Variable>(`/applications/${id}/variables`, {
          key: 'B',
          value: '2',
        });
        const again = await send('POST', `/applications/${id}/variables`, { key: 'A', value: '3' });
        assert.equal(again.status, 422);
        const renamed = await send('PUT', `/variables/${second.id}`, { key: 'A', value: '2' });
        assert.equal(renamed.status, 422, JSON.stringify(renamed.body));
        assert.deepEqual(fieldsOf(renamed), ['key']);
      });

      test('a key that no shell could hold, or that is ours, is refused', async () => {
        const { id } = await createApplication(workplace);
        for (const key of ['1A', 'A-B', 'A B', '', 'A=B', 'HOOKLINE_ACTION_ID', 'é']) {
          assert.deepEqual(
            fieldsOf(await send('POST', `/applications/${id}/variables`, { key, value: 'x' })),
            ['key'],
            key,
          );
        }
        const answer = await send('POST', `/applications/${id}/variables`, { key: 'A', value: 'a\0b' });
        assert.equal(answer.status, 422, 'a NUL cannot be in an environment');
      });
    });

    describe('pipelines', () => {
      const steps = async (id: number) =>
        (await workplace.api.get<{ steps: Step[] }>(`/pipelines/${id}`)).steps;
      const commands = async (id: number) => (await steps(id)).map(({ command }) => command);

      test('steps keep their order, are added at the end, moved behind others and removed', async () => {
        const pipelineId = await createPipeline(workplace, await createApplication(workplace), [
          'one',
          'two',
          'three',
        ]);
        await workplace.api.post(`/pipelines/${pipelineId}/steps`, { command: 'four' });
        assert.deepEqual(await commands(pipelineId), ['one', 'two', 'three', 'four']);
        const move = async (command: string, trigger_after: number) => {
          const step = (await steps(pipelineId)).find((one) => one.command === command);
          await workplace.api.put(`/pipelines/${pipelineId}/steps/${step?.id}`, { command, trigger_after });
        };
        await move('four', 0);
        assert.deepEqual(await commands(pipelineId), ['four', 'one', 'two', 'three']);
        await move('four', 2);
        assert.deepEqual(await commands(pipelineId), ['one', 'four', 'two', 'three']);
        await move('one', 4);
        assert.deepEqual(await commands(pipelineId), ['four', 'two', 'three', 'one']);
        await move('two', 999);
        assert.deepEqual(await commands(pipelineId), ['four', 'three', 'one', 'two']);
        const [first] = await steps(pipelineId);
        await workplace.api.delete(`/pipelines/${pipelineId}/steps/${first?.id}/unlink`);
        assert.deepEqual(await commands(pipelineId), ['three', 'one', 'two']);
        await workplace.api.post(`/pipelines/${pipelineId}/steps`, { command: 'five' });
        assert.deepEqual(await commands(pipelineId), ['three', 'one', 'two', 'five']);
        const orders = (await steps(pipelineId)).map(({ trigger_order }) => trigger_order);
        assert.equal(new Set(orders).size, 4, `orders ${orders.join(', ')}`);
      });

      test('a pipeline is run by hand without a body, since all of it is optional', async () => {
        const pipelineId = await createPipeline(workplace, await createApplication(workplace));
        const answer = await send<{ id: number }>('POST', `/pipelines/${pipelineId}/actions`);
        assert.equal(answer.status, 201, JSON.stringify(answer.body));
        assert.equal(answer.headers.get('x-devopness-action-id'), String(answer.body.id));
      });

      test('a step that is changed but not moved stays where it is', async () => {
        const pipelineId = await createPipeline(workplace, await createApplication(workplace), [
          'one',
          'two',
        ]);
        const [first] = await steps(pipelineId);
        await workplace.api.put(`/pipelines/${pipelineId}/steps/${first?.id}`, { command: 'uno' });
        assert.deepEqual(await commands(pipelineId), ['uno', 'two']);
      });

      test('steps added at the same instant all stay, each with an order of its own', async () => {
        const pipelineId = await createPipeline(workplace, await createApplication(workplace), []);
        await Promise.all(
          Array.from({ length: 8 }, (_, index) =>
            workplace.api.post(`/pipelines/${pipelineId}/steps`, { command: `echo ${index}` }),
          ),
        );
        const orders = (await steps(pipelineId)).map(({ trigger_order }) => trigger_order);
        assert.deepEqual(
          orders.toSorted((a, b) => a - b),
          [1, 2, 3, 4, 5, 6, 7, 8],
        );
      });

      test("a step cannot be changed through another pipeline's address", async () => {
        const application = await createApplication(workplace);
        const [one, other] = [
          await createPipeline(workplace, application),
          await createPipeline(workplace, application),
        ];
        const [step] = await steps(one);
        assert.equal(
          (await send('PUT', `/pipelines/${other}/steps/${step?.id}`, { command: 'x' })).status,
          404,
        );
        assert.equal((await send('DELETE', `/pipelines/${other}/steps/${step?.id}/unlink`)).status, 404);
        assert.deepEqual(await commands(one), ['true']);
      });

      test('every fault of a pipeline is named at once, those of its steps too', async () => {
        const { id } = await createApplication(workplace);
        const answer = await send('POST', `/pipelines/application/${id}`, {
          operation: 'explode',
          max_parallel_actions: 11,
          steps: [{ command: 'ok' }, { command: '' }, { command: 'ok', runner: 'cobol', run_as_user: '-x' }],
        });
        assert.equal(answer.status, 422);
        assert.deepEqual(fieldsOf(answer), [
          'max_parallel_actions',
          'name',
          'operation',
          'steps.1.command',
          'steps.2.run_as_user',
          'steps.2.runner',
        ]);
        const long = await send('POST', `/pipelines/application/${id}`, {
          name: 'x',
          operation: 'deploy',
          steps: [{ command: `#${'é'.repeat(40_000)}` }],
        });
        assert.deepEqual(fieldsOf(long), ['steps.0.command']);
        assert.deepEqual(await workplace.api.get(`/pipelines/application/${id}`), []);
      });

      test('a pipeline is listed, changed and deleted with its steps and hooks', async () => {
        const application = await createApplication(workplace);
        const id = await createPipeline(workplace, application);
        const hook = await createIncomingHook(workplace, id);
        assert.deepEqual(
          (await workplace.api.get<Named[]>(`/pipelines/application/${application.id}`)).map((one) => one.id),
          [id],
        );
        assert.equal(
          (await send('PUT', `/pipelines/${id}`, { name: 'renamed', max_parallel_actions: 2 })).status,
          204,
        );
        const changed = await workplace.api.get<{
          name: string;
          max_parallel_actions: number;
          operation: string;
        }>(`/pipelines/${id}`);
        assert.deepEqual(
          [changed.name, changed.max_parallel_actions, changed.operation],
          ['renamed', 2, 'deploy'],
        );
        assert.equal((await send('DELETE', `/pipelines/${id}`)).status, 204);
        assert.equal((await send('GET', `/pipelines/${id}`)).status, 404);
        assert.equal((await send('GET', `/hooks/incoming/${hook.id}`)).status, 404);
      });
    });

    describe('every list and body', () => {
      test('lists go by pages, newest first, with links that lead through all of them', async () => {
        const { id } = await createApplication(workplace);
        for (let index = 0; index < 5; index++)
          await workplace.api.post(`/applications/${id}/variables`, { key: `V${index}`, value: '' });
        const seen: string[] = [];
        let path: string | undefined = `/applications/${id}/variables?per_page=2`;
        let pages = 0;
        while (path) {
          const answer: ApiAnswer<Variable[]> = await send<Variable[]>('GET', path);
          const links = answer.headers.get('link') ?? '';
          for (const rel of ['first', 'last']) assert.match(links, new RegExp(`rel="${rel}"`));
          assert.equal(links.includes('rel="prev"'), pages > 0);
          seen.push(...answer.body.map(({ key }) => key));
          path = /<\/api([^>]+)>; rel="next"/.exec(links)?.[1];
          pages++;
        }
        assert.equal(pages, 3);
        assert.deepEqual(seen, ['V4', 'V3', 'V2', 'V1', 'V0']);
      });

      test('a page that is none is refused, and one beyond the last is empty', async () => {
        for (const query of [
          'page=0',
          'page=-1',
          'page=x',
          'per_page=0',
          'per_page=101',
          'page=1.5',
          'page=1&page=2',
        ]) {
          const answer = await send('GET', `${home}/applications?${query}`);
          assert.equal(answer.status, 422, query);
        }
        assert.deepEqual(await workplace.api.get(`${home}/applications?page=999999&per_page=100`), []);
      });

      test('malformed JSON is answered 400 with line and column', async () => {
        const answer = await send(
          'POST',
          `${home}/applications`,
          '{\n  "name": "x",\n  "repository": a/b\n}',
        );
        assert.equal(answer.status, 400);
        assert.match(answer.body.message, /line 3, column 17/);
        assert.equal(answer.body.errors, null);
      });

      test('a body of another kind, too long, missing or not an object is refused in words', async () => {
        const path = `${home}/applications`;
        const asText = await workplace.api.request<Faults>('POST', path, '{}', {
          'content-type': 'text/plain',
        });
        assert.equal(asText.status, 415);
        assert.match(asText.body.message, /application\/json/);
        assert.equal((await send('POST', path, JSON.stringify({ name: 'x'.repeat(1_100_000) }))).status, 413);
        for (const body of [undefined, '', '[]', '"x"', 'null', '5']) {
          const answer = await send('POST', path, body);
          assert.ok([400, 422].includes(answer.status), `${body}: ${answer.status}`);
          assert.match(answer.body.message, /\w/);
        }
        assert.equal(
          (await send('POST', path, '{"__proto__": {"name": "x"}, "repository": "a/b"}')).status,
          400,
        );
      });

      test('ids that name nothing, or are none, are answered 404', async () => {
        const ids = ['999999', '0', '-1', 'x', '1.5', '1e3', '99999999999999999999', '%20', "1'--"];
        for (const kindOfPath of [
          '/applications/',
          '/servers/',
          '/credentials/',
          '/variables/',
          '/pipelines/',
          '/actions/',
          '/environments/',
          '/projects/',
          '/organizations/',
          '/hooks/incoming/',
          '/hook-requests/',
        ]) {
          for (const id of ids)
            assert.equal((await send('GET', kindOfPath + id)).status, 404, kindOfPath + id);
        }
        assert.equal((await send('GET', '/no-such-thing')).status, 404);
      });

      test('every answer names its request, errors too, and a 500 would show nothing of our insides', async () => {
        const seen = new Set<string>();
        for (const path of ['/users/me', '/nothing', '/applications/0', `${home}/applications?page=0`]) {
          const id = (await send('GET', path)).headers.get('x-request-id');
          assert.match(id ?? '', /^[0-9a-f-]{36}$/, path);
          seen.add(id!);
        }
        assert.equal(seen.size, 4);
      });

      test('NUL in a text is refused or stored, on both databases alike', async () => {
        const answer = await send('POST', `${home}/applications`, { name: 'a\0b', repository: 'a/b' });
        assert.ok(answer.status < 500, `${answer.status} ${JSON.stringify(answer.body)}`);
      });
    });
  });
}

test('every pair that is made for a server can be read again', () => {
  // ssh2 makes an unreadable one about once in 256 times.
  for (let made = 0; made < 1500; made++) {
    const pair = keyPair(undefined, 'hookline-test');
    assert.match(pair.publicKey, /^ssh-ed25519 AAAA\S+ hookline-test$/);
  }
});

describe('the parser of bodies', () => {
  test('tells line and column of the fault of any broken JSON', () => {
    const broken = fc
      .tuple(
        fc.json({ maxDepth: 2 }),
        fc.nat(200),
        fc.constantFrom(
          '',
          ',',
          '}',
          ']',
          '"',
          '\\',
          '\n',
          '\u0001',
          '\u00a0',
          '\u2028',
          'x',
          '/',
          "'",
          '0',
          '-',
          '<a>',
          '// b\n',
        ),
      )
      .map(([text, at, extra]) => {
        const place = at % (text.length + 1);
        return text.slice(0, place) + extra + text.slice(extra === '' ? place + 1 : place);
      });
    fc.assert(
      fc.property(broken, (text) => {
        fc.pre(text.trim() !== '' && !isJson(text));
        assert.throws(
          () => parseJsonBody(text),
          (error: unknown) => {
            assert.ok(error instanceof AppError && error.code === 'bad_request', String(error));
            assert.match(error.message, /not valid JSON: .+ at line [1-9]\d*, column [1-9]\d*/);
            return true;
          },
          JSON.stringify(text),
        );
      }),
      { numRuns: 500 },
    );
  });

  test('gives the value of any valid JSON', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        fc.pre(!text.includes('__proto__'));
        assert.deepEqual(parseJsonBody(text), JSON.parse(text));
      }),
      { numRuns: 300 },
    );
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** All that the database holds, as text: the bytes of SQLite's files, or every row of every table of PostgreSQL. */
async function everythingStored({ kind, env }: TestDatabase): Promise<string> {
  if (kind === 'sqlite') {
    const folder = env.HOOKLINE_DATA ?? assert.fail('no HOOKLINE_DATA');
    const files = readdirSync(folder).filter((name) => name.startsWith('hookline.db'));
    return files.map((name) => readFileSync(join(folder, name)).toString('latin1')).join('\n');
  }
  const client = new Client({ connectionString: env.DATABASE_URL });
  try {
    await client.connect();
    const tables = await client.query<{ name: string }>(
      `select table_name as name from information_schema.tables where table_schema = 'public'`,
    );
    const rows: unknown[] = [];
    for (const { name } of tables.rows) rows.push((await client.query(`select * from "${name}"`)).rows);
    return JSON.stringify(rows);
  } finally {
    await client.end();
  }
}

/** ssh2 writes one ed25519 key in a few hundred in a form that it cannot read itself. */
function readablePair(lock: { passphrase?: string; cipher?: string; rounds?: number } = {}) {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync('ed25519', { comment: 'mine', ...lock });
    if (!(ssh2.utils.parseKey(pair.public) instanceof Error)) return pair;
  }
}
