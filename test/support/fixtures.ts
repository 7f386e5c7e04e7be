import { randomUUID } from 'node:crypto';
import { createApiClient, login, until } from './api-client.ts';
import type { ApiAnswer, ApiClient } from './api-client.ts';
import { githubHeaders } from './github.ts';
import type { TestServer } from './server.ts';

/** Someone signed in, and where their things go. */
export type Workplace = {
  /** The server's address, `http://host:port`. */
  url: string;
  api: ApiClient;
  organizationId: number;
  projectId: number;
  environmentId: number;
};

/** Signs the administrator in and finds the organization, project and environment of the first start. */
export async function openWorkplace(server: TestServer): Promise<Workplace> {
  const api = await server.login();
  const organizationId = await onlyId(api, '/organizations');
  const projectId = await onlyId(api, '/projects');
  const environmentId = await onlyId(api, `/projects/${projectId}/environments`);
  return { url: server.url, api, organizationId, projectId, environmentId };
}

export type TestApplication = { id: number; name: string; credentialId: number; accessToken: string };

/** A credential of GitHub with an access token of its own, and an application that uses it. */
export async function createApplication(
  { api, environmentId }: Workplace,
  fields: Record<string, unknown> = {},
): Promise<TestApplication> {
  const name = `app-${randomUUID().slice(0, 8)}`;
  const accessToken = `ghp_${randomUUID().replaceAll('-', '')}`;
  const credential = await api.post<{ id: number }>(`/environments/${environmentId}/credentials`, {
    name: `${name} on GitHub`,
    provider_code: 'github',
    settings: { access_token: accessToken },
  });
  const application = await api.post<{ id: number; name: string }>(
    `/environments/${environmentId}/applications`,
    { name, repository: 'octocat/hello-world', credential_id: credential.id, ...fields },
  );
  return { id: application.id, name: application.name, credentialId: credential.id, accessToken };
}

/** A pipeline of an application that runs `commands`, one step each, as `deploy` unless told; returns its id. */
export async function createPipeline(
  { api }: Workplace,
  application: { id: number },
  commands: readonly string[] = ['true'],
  fields: Record<string, unknown> = {},
): Promise<number> {
  const pipeline = await api.post<{ id: number }>(`/pipelines/application/${application.id}`, {
    name: `pipeline-${randomUUID().slice(0, 8)}`,
    operation: 'deploy',
    // Its own steps alone, unless the test is about deploying a source.
    default_steps: false,
    steps: commands.map((command) => ({ command })),
    ...fields,
  });
  return pipeline.id;
}

/** `secret` is empty when the hook takes unsigned requests. */
export type IncomingHook = { id: string; secret: string };

/** An incoming hook on a pipeline, signed as GitHub does unless `fields` say otherwise. */
export async function createIncomingHook(
  { api }: Workplace,
  pipelineId: number,
  fields: Record<string, unknown> = {},
): Promise<IncomingHook> {
  const { id, secret } = await api.post<IncomingHook>(`/pipelines/${pipelineId}/hooks/incoming`, {
    name: 'in',
    requires_secret: true,
    ...fields,
  });
  return { id, secret };
}

/** An outgoing hook on a pipeline that sends to `targetUrl`; returns its id. */
export async function createOutgoingHook(
  { api }: Workplace,
  pipelineId: number,
  targetUrl: string,
  fields: Record<string, unknown> = {},
): Promise<string> {
  const { id } = await api.post<{ id: string }>(`/pipelines/${pipelineId}/hooks/outgoing`, {
    name: 'out',
    target_url: targetUrl,
    ...fields,
  });
  return id;
}

export type Receipt = {
  message: string;
  errors: { field: string; message: string }[] | null;
  action_id: number | null;
  hook_request_id: string;
};

/** Sends a body to an incoming hook as GitHub would, signed with the hook's secret; `headers` win. */
export async function sendSigned(
  { url }: { url: string },
  hook: IncomingHook,
  body: Buffer | string,
  { event = 'push', headers = {} }: { event?: string; headers?: Record<string, string> } = {},
): Promise<ApiAnswer<Receipt>> {
  return await createApiClient(url).request<Receipt>('POST', `/hooks/${hook.id}/trigger`, body, {
    ...githubHeaders(event, hook.secret, body),
    ...headers,
  });
}

/** Makes an account in a team, as somebody does who follows the link of an invitation, and signs it in. */
export async function joinTeam(
  { api, url }: Pick<Workplace, 'api' | 'url'>,
  teamId: number,
): Promise<{ id: number; api: ApiClient }> {
  const invitation = await api.post<{ id: string; public_accept_url: string }>(
    `/teams/${teamId}/invitations`,
    { type: 'public' },
  );
  const account = { email: `${randomUUID()}@example.com`, password: 'battery-staple-horse' };
  const { id } = await createApiClient(url).post<{ id: number }>('/users', {
    name: 'A Colleague',
    ...account,
    invitation_id: invitation.id,
    invitation_token: new URL(invitation.public_accept_url).searchParams.get('token'),
  });
  const { access_token } = await login(url, account.email, account.password);
  return { id, api: createApiClient(url, access_token) };
}

export type TestAction = {
  id: number;
  status: string;
  status_reason_code: string;
  status_reason_human_readable: string;
  [field: string]: unknown;
};

/** The action once it has taken one of the `statuses`, which are its ends unless told. */
export async function untilAction(
  { api }: Pick<Workplace, 'api'>,
  id: number,
  statuses: readonly string[] = ['completed', 'failed', 'skipped'],
): Promise<TestAction> {
  return await until(
    async () => {
      const action = await api.get<TestAction>(`/actions/${id}`);
      return statuses.includes(action.status) && action;
    },
    `action ${id} to be ${statuses.join(' or ')}`,
  );
}

async function onlyId(api: ApiClient, path: string): Promise<number> {
  const [first] = await api.get<{ id: number }[]>(path);
  if (!first) throw new Error(`GET /api${path} lists nothing`);
  return first.id;
}
