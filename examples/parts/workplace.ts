import { delimiter, dirname } from 'node:path';
import type { ApiClient } from '../../test/support/api-client.ts';
import type { GitHost } from './git-host.ts';

/** What is set up in Hookline for the example, once. */
export type Workplace = {
  applicationId: number;
  pipelineId: number;
  /** The names of the steps, the ones that Hookline adds among them. */
  steps: string[];
  incoming: { url: string; secret: string };
};

type Named = { id: number };

/** `remember` is told of each thing that was made, in order: what was made last is to be deleted first. */
export async function setUp(
  api: ApiClient,
  given: {
    environmentId: number;
    gitHost: GitHost;
    repository: string;
    deployDirectory: string;
    port: number;
    /** None: it is deployed on the machine of Hookline. */
    serverId: number | null;
  },
  remember: (path: string) => void,
): Promise<Workplace> {
  const { environmentId, gitHost, repository, deployDirectory, port, serverId } = given;
  const credential = await api.post<Named>(`/environments/${environmentId}/credentials`, {
    name: `Git host at ${gitHost.url}`,
    provider_code: 'github',
    settings: { access_token: gitHost.token, api_url: gitHost.url },
  });
  remember(`/credentials/${credential.id}`);

  const application = await api.post<Named>(`/environments/${environmentId}/applications`, {
    name: `hello-web ${port}`,
    repository,
    credential_id: credential.id,
    default_branch: 'main',
    install_dependencies_command: 'npm ci',
    build_command: 'npm run build',
    deploy_directory: deployDirectory,
    deployments_keep: 3,
    linked_resources: serverId === null ? [] : [{ resource_type: 'server', resource_id: serverId }],
  });
  remember(`/applications/${application.id}`);
  const variables = {
    PORT: String(port),
    // Where steps find `node` and `npm`: the Node of this script first, then whatever it was started with.
    PATH: [dirname(process.execPath), process.env['PATH']].join(delimiter),
    npm_config_update_notifier: 'false',
  };
  for (const [key, value] of Object.entries(variables)) {
    await api.post(`/applications/${application.id}/variables`, { key, value });
  }

  const pipeline = await api.post<Named & { steps: { name: string }[] }>(
    `/pipelines/application/${application.id}`,
    {
      name: 'Deploy',
      operation: 'deploy',
      // One at a time: two deployments would restart the same service.
      max_parallel_actions: 1,
      steps: [{ name: 'Restart the service', command: 'bin/restart.sh', after_activation: true }],
    },
  );
  const incoming = await api.post<Workplace['incoming']>(`/pipelines/${pipeline.id}/hooks/incoming`, {
    preset: 'github',
  });
  await api.post(`/pipelines/${pipeline.id}/hooks/outgoing`, { preset: 'github-commit-status' });
  const steps = pipeline.steps.map(({ name }) => name);
  return { applicationId: application.id, pipelineId: pipeline.id, steps, incoming };
}
