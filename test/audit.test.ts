import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createApiClient, login, until } from './support/api-client.ts';
import type { ApiAnswer, ApiClient } from './support/api-client.ts';
import { createTestDatabase, databaseKinds } from './support/database.ts';
import type { TestDatabase } from './support/database.ts';
import { executeSql, queryRows } from './support/execute-sql.ts';
import { startFakeProvider } from './support/fake-provider.ts';
import type { FakeProvider } from './support/fake-provider.ts';
import { sendSigned } from './support/fixtures.ts';
import { startInProcessApp } from './support/in-process-app.ts';
import type { InProcessApp } from './support/in-process-app.ts';
import { operationsOf } from './support/openapi-document.ts';
import type { OpenApiDocument } from './support/openapi-document.ts';
import { addPerson, createTeam, invite, newAccount, roleId } from './support/people.ts';
import { dumpTables } from './support/table-dump.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * 3_600_000;
/** Whoever calls by this name finds that no event can be written. */
const unwritable = 'the audit is broken';

type Event = {
  id: number;
  operation: string;
  object: { type: string; id: string; name: string | null };
  fields: string[];
  project_id: number | null;
  environment_id: number | null;
  user: { id: number; name: string };
  token: { type: string; id: string; name: string | null };
  ip_address: string;
  user_agent: string | null;
  request_id: string;
  created_at: string;
};
type Created = { id: number | string; token?: string; secret?: string };
type Wanted = { type: string; id?: number | string; name: string | null };

/** They change nothing of an organization, or nobody who has an account makes the change. */
const withoutEvent = new Set([
  'addSession',
  'addUserPersonalAccessToken',
  'deleteSession',
  'loginUser',
  'previewNewIncomingHook',
  'previewNewOutgoingHook',
  'previewOutgoingHookChange',
  'refreshTokenUser',
  'rejectTeamInvitation',
  'revokeUserPersonalAccessToken',
  'rotateUserPersonalAccessToken',
  'testIncomingHook',
  'testOutgoingHook',
  'triggerHook',
  'updateUser',
]);

for (const kind of databaseKinds) {
  describe(`the audit on ${kind}`, () => {
    let database: TestDatabase;
    let app: InProcessApp;
    let api: ApiClient;
    let provider: FakeProvider;

    before(async () => {
      provider = await startFakeProvider('github');
      database = await createTestDatabase(kind);
      // Without workers: nothing changes but by the calls of the test.
      app = await startInProcessApp({ database, env: { HOOKLINE_ROLE: 'api' } });
      api = app.api;
      await executeSql(
        database,
        kind === 'postgres'
          ? `alter table audit_events add constraint broken check (user_agent is distinct from '${unwritable}')`
          : `create trigger broken before insert on audit_events when new.user_agent = '${unwritable}'
             begin select raise(abort, 'broken'); end`,
      );
    });
    after(async () => {
      await app?.stop();
      await database?.drop();
      await provider?.close();
    });

    const events = (query = '', organizationId = app.organizationId) =>
      api.get<Event[]>(`/organizations/${organizationId}/audit-events?${query}`);
    const countEvents = async () =>
      Number(
        (await queryRows<{ count: number }>(database, 'select count(*) as count from audit_events'))[0]
          ?.count,
      );
    const inDays = (days: number) => new Date(app.clock.now() + days * DAY_MS).toISOString();

    test('every change leaves exactly one event that tells who did what to which object, or is not made', async () => {
      const called = new Set<string>();
      const secrets: string[] = [];
      const secret = (text: string) => {
        secrets.push(text);
        return text;
      };
      const me = await api.get<{ id: number; name: string }>('/users/me');
      const [pat] = await api.get<{ id: string; name: string }[]>('/users/personal-access-tokens');

      /** `wanted` describes the object; an id that it leaves out is that of the answer. */
      async function change(
        operation: string,
        method: string,
        path: string,
        body: object | undefined,
        wanted: Wanted | ((answer: ApiAnswer<Created>) => Wanted),
        { as = api, token }: { as?: ApiClient; token?: Event['token'] } = {},
      ): Promise<Created> {
        called.add(operation);
        const before = await dumpTables(database);
        const broken = await as.request(method, path, body, { 'user-agent': unwritable });
        assert.ok(broken.status >= 500, `${operation} without an event: ${JSON.stringify(broken.body)}`);
        assert.equal(await dumpTables(database), before, `${operation} was made without its event`);

        const answer = await as.request<Created>(method, path, body, { 'user-agent': 'walker/1' });
        assert.ok(answer.status < 300, `${operation}: ${answer.status} ${JSON.stringify(answer.body)}`);
        const rows = await queryRows(database, 'select * from audit_events order by id desc limit 2');
        const id = answer.headers.get('x-request-id');
        const mine = rows.filter((row) => row.request_id === id);
        assert.equal(mine.length, 1, `${operation} left ${mine.length} events`);
        const [row] = mine as [Record<string, unknown>];
        const object = typeof wanted === 'function' ? wanted(answer) : wanted;
        const who = token ?? { type: 'personal_access_token', id: pat!.id, name: pat!.name };
        assert.deepEqual(
          {
            operation: row.operation,
            object: [row.object_type, row.object_id, row.object_name],
            fields: JSON.parse(String(row.fields)) as unknown,
            token: [row.token_type, row.token_id, row.token_name],
            from: [row.ip_address, row.user_agent, Number(row.created_at)],
          },
          {
            operation,
            object: [object.type, String(object.id ?? answer.body.id), object.name],
            fields: Object.keys(body ?? {}),
            token: [who.type, who.id, who.name],
            from: ['127.0.0.1', 'walker/1', app.clock.now()],
          },
          operation,
        );
        if (!token) assert.deepEqual([Number(row.user_id), row.user_name], [me.id, me.name], operation);
        if (answer.body?.token) secret(answer.body.token);
        if (answer.body?.secret) secret(answer.body.secret);
        return answer.body;
      }
      const startedAction =
        (name: string) =>
        ({ headers }: ApiAnswer<Created>): Wanted => ({
          type: 'action',
          id: headers.get('x-devopness-action-id') ?? '',
          name,
        });

      // Places
      const organization = await change(
        'addOrganization',
        'POST',
        '/organizations',
        { name: 'Walked', url_slug: 'walked' },
        { type: 'organization', name: 'Walked' },
      );
      const org = `/organizations/${organization.id}`;
      await change(
        'updateOrganization',
        'PUT',
        org,
        { name: 'Walked on' },
        {
          type: 'organization',
          id: organization.id,
          name: 'Walked on',
        },
      );
      const project = await change(
        'addProject',
        'POST',
        '/projects',
        { name: 'One', organization_id: organization.id },
        { type: 'project', name: 'One' },
      );
      const second = await change(
        'addOrganizationProject',
        'POST',
        `${org}/projects`,
        { name: 'Two' },
        {
          type: 'project',
          name: 'Two',
        },
      );
      await change(
        'updateProject',
        'PUT',
        `/projects/${second.id}`,
        { name: 'Three' },
        {
          type: 'project',
          id: second.id,
          name: 'Three',
        },
      );
      const environment = await change(
        'addProjectEnvironment',
        'POST',
        `/projects/${project.id}/environments`,
        { name: 'live', type: 'production' },
        { type: 'environment', name: 'live' },
      );
      const env = `/environments/${environment.id}`;
      await change(
        'updateEnvironment',
        'PUT',
        env,
        { description: 'Busy' },
        {
          type: 'environment',
          id: environment.id,
          name: 'live',
        },
      );

      // Inventory
      const hub = {
        name: 'hub',
        provider_code: 'github',
        settings: { access_token: secret('ghp_Zebra0123456789'), api_url: provider.apiUrl },
      };
      const ofOrganization = await change('addOrganizationCredential', 'POST', `${org}/credentials`, hub, {
        type: 'credential',
        name: 'hub',
      });
      const credential = await change('addEnvironmentCredential', 'POST', `${env}/credentials`, hub, {
        type: 'credential',
        name: 'hub',
      });
      await change('updateCredential', 'PUT', `/credentials/${credential.id}`, hub, {
        type: 'credential',
        id: credential.id,
        name: 'hub',
      });
      const application = await change(
        'addEnvironmentApplication',
        'POST',
        `${env}/applications`,
        { name: 'shop', repository: 'octocat/hello-world', credential_id: credential.id },
        { type: 'application', name: 'shop' },
      );
      const app_ = `/applications/${application.id}`;
      await change(
        'updateApplication',
        'PUT',
        app_,
        { name: 'store' },
        {
          type: 'application',
          id: application.id,
          name: 'store',
        },
      );
      const machine = await change(
        'addEnvironmentServer',
        'POST',
        `${env}/servers`,
        { hostname: 'web-1' },
        { type: 'server', name: 'web-1' },
      );
      const server = `/servers/${machine.id}`;
      // What is found behind the back of the change is not part of it.
      const tested = () =>
        until(async () => {
          const { connection } = await api.get<{ connection: { status: string } }>(server);
          return connection.status !== 'untested';
        }, 'the connection to be tested');
      await tested();
      await change(
        'updateServer',
        'PUT',
        server,
        { hostname: 'web-2' },
        {
          type: 'server',
          id: machine.id,
          name: 'web-2',
        },
      );
      await tested();
      const theServer = { type: 'server', id: machine.id, name: 'web-2' };
      await change('testServerConnection', 'POST', `${server}/test-connection`, undefined, theServer);
      const link = `/resource-links/application/${application.id}/server/${machine.id}`;
      const linked = { type: 'application', id: application.id, name: `server ${machine.id}` };
      await change('linkResourceLinkToResourceLink', 'POST', `${link}/link`, undefined, linked);
      await change('unlinkResourceLinkFromResourceLink', 'DELETE', `${link}/unlink`, undefined, linked);
      const hidden = { value: secret('Zebra-hidden-value'), hidden: true };
      const variable = await change(
        'addApplicationVariable',
        'POST',
        `${app_}/variables`,
        { key: 'KEY', ...hidden },
        { type: 'variable', name: 'KEY' },
      );
      await change(
        'addVariable',
        'POST',
        `/variables/server/${machine.id}`,
        { key: 'OTHER', ...hidden },
        {
          type: 'variable',
          name: 'OTHER',
        },
      );
      await change(
        'updateVariable',
        'PUT',
        `/variables/${variable.id}`,
        { key: 'KEY', ...hidden },
        {
          type: 'variable',
          id: variable.id,
          name: 'KEY',
        },
      );

      // Pipelines, hooks and actions
      const pipeline = await change(
        'addPipeline',
        'POST',
        `/pipelines/application/${application.id}`,
        { name: 'Deploy', operation: 'deploy', steps: [{ command: 'true' }] },
        { type: 'pipeline', name: 'Deploy' },
      );
      const pipe = `/pipelines/${pipeline.id}`;
      const thePipeline = { type: 'pipeline', id: pipeline.id, name: 'Deploy' };
      await change('updatePipeline', 'PUT', pipe, { max_parallel_actions: 2 }, thePipeline);
      const step = await change(
        'addPipelineStep',
        'POST',
        `${pipe}/steps`,
        { name: 'more', command: `echo ${secret('Zebra-in-a-command')}` },
        thePipeline,
      );
      await change('updatePipelineStep', 'PUT', `${pipe}/steps/${step.id}`, { command: 'true' }, thePipeline);
      const other = await api.post<{ steps: { id: number }[] }>(`/pipelines/application/${application.id}`, {
        name: 'Other',
        operation: 'configure',
        steps: [{ command: 'true' }],
      });
      const step2 = other.steps[0]?.id;
      await change('linkStepToPipeline', 'POST', `${pipe}/steps/${step2}/link`, undefined, thePipeline);
      const hookSecret = secret('Zebra-secret-of-a-hook');
      const hook = await change(
        'addPipelineHook',
        'POST',
        `${pipe}/hooks/incoming`,
        { name: 'in', requires_secret: true, secret: hookSecret },
        { type: 'hook', name: 'in' },
      );
      const outgoing = await change(
        'addPipelineHook',
        'POST',
        `${pipe}/hooks/outgoing`,
        {
          name: 'out',
          target_url: `https://example.com/${secret('Zebra-in-an-address')}`,
          trigger_when: { events: ['action.created'] },
          settings: { request_headers: [{ name: 'authorization', value: secret('Zebra-in-a-header') }] },
        },
        { type: 'hook', name: 'out' },
      );
      const { body: receipt } = await sendSigned(app, { id: String(hook.id), secret: hookSecret }, '{}');
      const requestId = receipt.hook_request_id;
      await change('replayHookRequest', 'POST', `/hook-requests/${requestId}/replay`, undefined, {
        type: 'hook_request',
        id: requestId,
        name: null,
      });
      await change(
        'rotateHookSecret',
        'POST',
        `/hooks/incoming/${hook.id}/rotate-secret`,
        { secret: secret('Zebra-secret-that-follows') },
        { type: 'hook', id: hook.id, name: 'in' },
      );
      const out = `/hooks/outgoing/${outgoing.id}`;
      const theOutgoing = { type: 'hook', id: outgoing.id, name: 'out' };
      const [delivery] = await api.get<{ id: string }[]>(`${out}/deliveries`);
      const redeliver = `${out}/deliveries/${delivery!.id}/redeliver`;
      await change('redeliverOutgoingHookDelivery', 'POST', redeliver, undefined, theOutgoing);
      // Nothing is sent here, so nothing fails of itself.
      await executeSql(database, "update deliveries set status = 'failed'");
      const since = new Date(app.clock.now()).toISOString();
      const recovery = await change('recoverOutgoingHook', 'POST', `${out}/recover`, { since }, theOutgoing);
      const cancel = `${out}/recoveries/${recovery.id}/cancel`;
      await change('cancelOutgoingHookRecovery', 'POST', cancel, undefined, theOutgoing);
      await change('rotateHookSecret', 'POST', `${out}/rotate-secret`, {}, theOutgoing);
      const installed = { type: 'hook', id: hook.id, name: 'in' };
      const verb = (name: string) => `/hooks/incoming/${hook.id}/${name}`;
      await change('installIncomingHook', 'POST', verb('install'), { events: ['push'] }, installed);
      await change('uninstallIncomingHook', 'POST', verb('uninstall'), undefined, installed);
      const older = await change(
        'addHook',
        'POST',
        '/hooks/incoming',
        {
          name: 'older',
          resource_type: 'application',
          resource_id: application.id,
          action_type: 'deploy',
        },
        { type: 'hook', name: 'older' },
      );
      await change(
        'updateHook',
        'PUT',
        `/hooks/incoming/${hook.id}`,
        { name: 'in too' },
        {
          type: 'hook',
          id: hook.id,
          name: 'in too',
        },
      );
      await change('deleteHook', 'DELETE', `/hooks/incoming/${older.id}`, undefined, {
        type: 'hook',
        id: older.id,
        name: 'older',
      });
      const run = await change('addPipelineAction', 'POST', `${pipe}/actions`, {}, startedAction('Deploy'));
      await change(
        'addApplicationDeployment',
        'POST',
        `${app_}/deployments`,
        { type: 'deploy' },
        startedAction('Deploy'),
      );
      await executeSql(
        database,
        `update actions set status = 'failed', completed_at = ${app.clock.now()} where id = ${run.id}`,
      );
      await change('retryAction', 'POST', `/actions/${run.id}/retry`, undefined, startedAction('Deploy'));
      const { id: waiting } = await api.post<{ id: number }>(`${pipe}/actions`, {});
      const theAction = { type: 'action', id: waiting, name: 'Deploy' };
      await change('cancelAction', 'POST', `/actions/${waiting}/cancel`, undefined, theAction);
      for (const count of [1, 2]) {
        await executeSql(
          database,
          `insert into releases (application_id, action_id, name, status, activated_at, created_at, updated_at)
            values (${application.id}, ${-count}, 'release-${count}', 'ready', ${count}, 0, 0)`,
        );
      }
      await change('rollbackApplication', 'POST', `${app_}/rollback`, {}, startedAction('Deploy'));
      const lifecycle = await api.get<{ name: string; operation: string }[]>(
        `/pipelines/server/${machine.id}`,
      );
      const nameOf = (operation: string) =>
        lifecycle.find((one) => one.operation === operation)?.name ?? assert.fail(operation);
      for (const [operation, verb, what] of [
        ['startServer', 'start', 'start'],
        ['stopServer', 'stop', 'stop'],
        ['restartServer', 'restart', 'restart'],
        ['getStatusServer', 'get-status', 'get_status'],
      ] as const)
        await change(operation, 'POST', `${server}/${verb}`, undefined, startedAction(nameOf(what)));

      // Members
      const role = await change(
        'addOrganizationRole',
        'POST',
        `${org}/roles`,
        { name: 'reader', permissions: ['hook:read'] },
        { type: 'role', name: 'reader' },
      );
      await change(
        'updateRole',
        'PUT',
        `/roles/${role.id}`,
        { permissions: ['hook:read', 'team:read'] },
        {
          type: 'role',
          id: role.id,
          name: 'reader',
        },
      );
      const team = await change(
        'addOrganizationTeam',
        'POST',
        `${org}/teams`,
        { name: 'Crew' },
        {
          type: 'team',
          name: 'Crew',
        },
      );
      const theTeam = { type: 'team', id: team.id, name: 'Crew' };
      await change('updateTeam', 'PUT', `/teams/${team.id}`, { photo_url: null }, theTeam);
      for (const [label, place] of [
        ['Organization', org],
        ['Project', `/projects/${project.id}`],
        ['Environment', env],
      ] as const) {
        const theirs = `${place}/teams/${team.id}`;
        await change(`linkTeamTo${label}`, 'POST', `${theirs}/link`, { role_id: role.id }, theTeam);
        await change(`unlinkTeamFrom${label}`, 'DELETE', `${theirs}/unlink`, undefined, theTeam);
      }
      const invitation = await change(
        'addTeamInvitation',
        'POST',
        `/teams/${team.id}/invitations`,
        { type: 'private', email: 'ada@example.com' },
        { type: 'team_invitation', name: 'ada@example.com' },
      );
      await change('deleteTeamInvitation', 'DELETE', `/team-invitations/${invitation.id}`, undefined, {
        type: 'team_invitation',
        id: invitation.id,
        name: 'ada@example.com',
      });
      const open = await invite(api, Number(team.id));
      secret(open.token);
      await change(
        'acceptTeamInvitation',
        'POST',
        `/team-invitations/${open.id}/accept?token=${open.token}`,
        undefined,
        { type: 'team_invitation', id: open.id, name: null },
      );
      const account = newAccount(open);
      secret(account.password);
      const user = await change(
        'addUser',
        'POST',
        '/users',
        account,
        { type: 'team_invitation', id: open.id, name: null },
        { as: createApiClient(app.url), token: { type: 'invitation', id: open.id, name: null } },
      );
      await change('deleteTeamMember', 'DELETE', `/teams/${team.id}/members/${user.id}`, undefined, {
        ...theTeam,
        name: `Crew: ${account.email}`,
      });
      const tokens = `/projects/${project.id}/tokens`;
      const token = await change(
        'addProjectApiToken',
        'POST',
        tokens,
        { name: 'ci', role_id: role.id, expires_at: inDays(1) },
        { type: 'token', name: 'ci' },
      );
      const theToken = { type: 'token', id: token.id, name: 'ci' };
      const expires_at = inDays(2);
      await change('rotateProjectApiToken', 'POST', `${tokens}/${token.id}/rotate`, { expires_at }, theToken);
      await change('revokeProjectApiToken', 'DELETE', `${tokens}/${token.id}/revoke`, undefined, theToken);

      // And all of it away again
      const steps = `${pipe}/steps/${step.id}`;
      await change('unlinkStepFromPipeline', 'DELETE', `${steps}/unlink`, undefined, thePipeline);
      await change('deletePipeline', 'DELETE', pipe, undefined, thePipeline);
      await change('deleteTeam', 'DELETE', `/teams/${team.id}`, undefined, theTeam);
      for (const [operation, path, type, id, name] of [
        ['deleteVariable', `/variables/${variable.id}`, 'variable', variable.id, 'KEY'],
        ['deleteApplication', app_, 'application', application.id, 'store'],
        ['deleteServer', server, 'server', machine.id, 'web-2'],
        ['deleteCredential', `/credentials/${ofOrganization.id}`, 'credential', ofOrganization.id, 'hub'],
        ['deleteEnvironment', env, 'environment', environment.id, 'live'],
        ['deleteProject', `/projects/${project.id}`, 'project', project.id, 'One'],
        ['deleteProject', `/projects/${second.id}`, 'project', second.id, 'Three'],
        ['deleteRole', `/roles/${role.id}`, 'role', role.id, 'reader'],
      ] as const)
        await change(operation, 'DELETE', path, undefined, { type, id, name });

      const kept = await events('object_type=application&per_page=100', Number(organization.id));
      assert.deepEqual(
        kept.filter((event) => event.object.id === String(application.id)).map((event) => event.operation),
        [
          'deleteApplication',
          'unlinkResourceLinkFromResourceLink',
          'linkResourceLinkToResourceLink',
          'updateApplication',
          'addEnvironmentApplication',
        ],
        'the events of an object end with it',
      );
      const theOrganization = { type: 'organization', id: organization.id, name: 'Walked on' };
      await change('deleteOrganization', 'DELETE', org, undefined, theOrganization);

      const document = await api.get<OpenApiDocument>('/openapi.json');
      const changing = operationsOf(document).filter(({ method }) => method !== 'get');
      assert.deepEqual(
        changing.map(({ id }) => id).filter((id) => !called.has(id) && !withoutEvent.has(id)),
        [],
        'not walked',
      );
      const rows = await queryRows(database, 'select * from audit_events');
      assert.ok(rows.length >= called.size);
      assert.ok(secrets.length > 10);
      for (const text of secrets) assert.ok(!JSON.stringify(rows).includes(text), `an event tells ${text}`);
    });

    test('a call that is refused leaves no event', async () => {
      const viewer = await addPerson(app, { role: 'viewer' });
      const team = await createTeam(app);
      const role_id = await roleId(app, 'viewer');
      const org = `/organizations/${app.organizationId}`;
      const before = await countEvents();
      for (const [status, method, path, body, as] of [
        [401, 'PUT', org, { name: 'x' }, createApiClient(app.url)],
        [403, 'PUT', org, { name: 'x' }, viewer.api],
        [403, 'POST', `${org}/roles`, { name: 'x', permissions: ['hook:read'] }, viewer.api],
        [404, 'PUT', '/organizations/999999', { name: 'x' }, api],
        [404, 'DELETE', `${org}/teams/${team.id}/unlink`, undefined, api],
        [404, 'DELETE', `/teams/${team.id}/members/1`, undefined, api],
        [404, 'POST', `/team-invitations/${crypto.randomUUID()}/accept?token=x`, undefined, api],
        [409, 'DELETE', org, undefined, api],
        [409, 'DELETE', `/roles/${role_id}`, undefined, api],
        [409, 'DELETE', `/projects/${app.projectId}`, undefined, api],
        [422, 'POST', `${org}/teams`, { name: team.name }, api],
        [422, 'POST', `${org}/teams`, {}, api],
        [422, 'PUT', org, { url_slug: '42' }, api],
        [422, 'POST', `${org}/teams/${team.id}/link`, { role_id: 999_999 }, api],
        [400, 'PUT', org, '{"name":', api],
      ] as const) {
        const answer = await as.request(method, path, body);
        assert.equal(answer.status, status, `${method} ${path} ${JSON.stringify(answer.body)}`);
      }
      assert.equal(await countEvents(), before);
    });

    test('an event tells with which kind of token a change was made, and for whom', async () => {
      const session = await login(app.url, 'admin@example.com', 'correct-horse-battery');
      const signedIn = createApiClient(app.url, session.access_token);
      const token = await api.post<{ id: string; token: string }>(`/projects/${app.projectId}/tokens`, {
        name: 'deploys',
        role_id: await roleId(app, 'admin'),
        expires_at: inDays(1),
      });
      const path = `/environments/${app.environmentId}`;
      const eventOf = async (as: ApiClient) => {
        const answer = await as.request('PUT', path, { description: 'x' });
        const [event] = await events('per_page=1');
        assert.equal(event?.request_id, answer.headers.get('x-request-id'));
        assert.deepEqual(
          [event?.project_id, event?.environment_id, event?.object.id, event?.fields, event?.user.name],
          [app.projectId, app.environmentId, String(app.environmentId), ['description'], 'Administrator'],
        );
        return event?.token;
      };
      const bySession = await eventOf(signedIn);
      assert.deepEqual([bySession?.type, bySession?.name], ['session', null]);
      assert.deepEqual(await eventOf(createApiClient(app.url, token.token)), {
        type: 'project_api_token',
        id: token.id,
        name: 'deploys',
      });
      assert.equal((await eventOf(api))?.type, 'personal_access_token');
    });

    test('joining by the page leaves the event of joining, under the name of its operation', async () => {
      const invitation = await invite(api, (await createTeam(app)).id);
      const { name, email, password } = newAccount(invitation);
      const form = new URLSearchParams({ name, email, password });
      const joined = await fetch(invitation.link, { method: 'POST', body: form });
      assert.equal(joined.status, 200);
      const [event] = await events('per_page=1');
      assert.deepEqual(
        [event?.operation, event?.object.id, event?.user.name, event?.token.type],
        ['acceptTeamInvitation', invitation.id, name, 'invitation'],
      );
      assert.equal(event?.request_id, joined.headers.get('x-request-id'));
      assert.deepEqual(event?.fields, ['name', 'email', 'password']);
    });

    test('the events of an organization are found by object, operation and person, page by page', async () => {
      const person = await addPerson(app, { role: 'admin' });
      const home = `/organizations/${app.organizationId}`;
      const team = await person.api.post<{ id: number }>(`${home}/teams`, { name: 'Found' });
      await person.api.put(`/teams/${team.id}`, { name: 'Found again' });
      await api.put(`/teams/${team.id}`, { name: 'And again' });
      const found = async (query: string) => (await events(query)).map(({ operation }) => operation);
      const object = `object_type=team&object_id=${team.id}`;
      assert.deepEqual(await found(object), ['updateTeam', 'updateTeam', 'addOrganizationTeam']);
      assert.deepEqual(await found(`${object}&user_id=${person.id}`), ['updateTeam', 'addOrganizationTeam']);
      assert.deepEqual(await found(`${object}&operation=addOrganizationTeam`), ['addOrganizationTeam']);
      assert.deepEqual(await found(`object_type=hook&object_id=${team.id}`), []);
      assert.deepEqual(await found('operation=nothing'), []);
      const [newest] = await events(object);
      assert.equal(newest?.object.name, 'And again');
      const first = await api.request<Event[]>('GET', `${home}/audit-events?${object}&per_page=2`);
      assert.equal(first.body.length, 2);
      const next = /<\/api([^>]*)>; rel="next"/.exec(first.headers.get('link') ?? '')?.[1];
      const rest = await api.get<Event[]>(next ?? assert.fail('no next page'));
      assert.deepEqual(
        rest.map(({ operation }) => operation),
        ['addOrganizationTeam'],
      );
      assert.equal((await api.request('GET', `${home}/audit-events?operation=%00`)).status, 400);
    });

    test('the audit is shown to those who look after the organization alone', async () => {
      const home = `/organizations/${app.organizationId}/audit-events`;
      for (const [role, status] of [
        ['developer', 403],
        ['viewer', 403],
        ['admin', 200],
      ] as const) {
        const person = await addPerson(app, { role });
        assert.equal((await person.api.request('GET', home)).status, status, role);
      }
      const below = await addPerson(app, { role: 'owner', on: 'project' });
      assert.equal((await below.api.request('GET', home)).status, 403);
      const another = await api.post<{ id: number }>('/organizations', { name: 'Another' });
      const theirs = await events('per_page=100', another.id);
      assert.deepEqual(
        theirs.map(({ operation }) => operation),
        ['addOrganization'],
      );
    });
  });

  test(`events are kept for a year and no longer, on ${kind}`, async () => {
    const database = await createTestDatabase(kind);
    const app = await startInProcessApp({ database });
    try {
      const path = `/organizations/${app.organizationId}`;
      await app.api.put(path, { name: 'The first' });
      await app.clock.jump(DAY_MS);
      await app.api.put(path, { name: 'The second' });
      const names = async () =>
        (await app.api.get<Event[]>(`${path}/audit-events`)).map(({ object }) => object.name);
      await app.clock.jump(363 * DAY_MS);
      assert.deepEqual(await names(), ['The second', 'The first']);
      await app.clock.jump(1.5 * DAY_MS);
      await until(async () => {
        // A look that was under way when the clock jumped is followed by the next after an hour.
        await app.clock.jump(HOUR_MS);
        return (await names()).length === 1;
      }, 'the older event to be removed');
      assert.deepEqual(await names(), ['The second']);
    } finally {
      await app.stop();
      await database.drop();
    }
  });
}
