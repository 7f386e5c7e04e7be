import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Workplace } from './fixtures.ts';

const tls = (name: string) => readFileSync(join(import.meta.dirname, 'tls', name), 'utf8');

/** A key of Standard Webhooks, and what else a secret in `fillEnvironment` is. */
export const fullSecrets = {
  token: 'ghp_full_environment_token',
  hook: 'a-secret-of-the-sender',
  signing: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
  variable: 'sekrit-database-password',
  header: 'Bearer sekrit-header-value',
  url: 'https://hooks.slack.com/services/T0AAAAAAA/B0BBBBBBB/ccccccccccccccccccccDDDD',
  body: 'sekrit-in-the-body',
  clientKey: tls('client-key.pem'),
};

const script = `set -u
if [ -f package.json ]; then
  npm ci   # trailing spaces follow:  
fi

printf '%s\\n' "done: \${HOOKLINE_RELEASE_DIR}"
`;

/** Fills an environment with all that the product can express. */
export async function fillEnvironment({ api, environmentId, organizationId }: Workplace): Promise<void> {
  const here = `/environments/${environmentId}`;
  type WithId = { id: number };
  const github = await api.post<WithId>(`${here}/credentials`, {
    name: 'GitHub',
    provider_code: 'github',
    settings: { access_token: fullSecrets.token },
  });
  await api.post(`${here}/credentials`, {
    name: 'Own GitLab',
    provider_code: 'gitlab',
    active: false,
    settings: { access_token: fullSecrets.token, api_url: 'https://git.example.com/api/v4/' },
  });
  const shared = await sharedCredential({ api, organizationId });
  const server = await api.post<WithId>(`${here}/servers`, {
    hostname: 'web-1',
    ip_address: '127.0.0.1',
    ssh_port: 1,
    ssh_user: 'deploy',
    ssh_host_key:
      'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl a comment',
    max_parallel_actions: 2,
  });
  const plain = await api.post<WithId>(`${here}/servers`, {
    hostname: 'web-2.example.com',
    ip_address: '::1',
    ssh_port: 1,
  });
  const pipelines = await api.get<(WithId & { operation: string })[]>(`/pipelines/server/${server.id}`);
  const stop = pipelines.find(({ operation }) => operation === 'stop')!;
  const { steps } = await api.get<{ steps: WithId[] }>(`/pipelines/${stop.id}`);
  await api.put(`/pipelines/${stop.id}`, { name: 'Power off', timeout_seconds: 120 });
  await api.put(`/pipelines/${stop.id}/steps/${steps[0]!.id}`, { command: 'virsh shutdown web-1' });
  const start = pipelines.find(({ operation }) => operation === 'start')!;
  await api.post(`/pipelines/${start.id}/hooks/outgoing`, {
    name: 'On',
    target_url: 'https://example.com/on',
    trigger_when: { events: ['action.completed'] },
  });
  const own = await api.post<WithId>(`/pipelines/server/${server.id}`, {
    name: 'Rotate logs',
    operation: 'reload',
    steps: [{ command: 'logrotate -f /etc/logrotate.conf' }],
  });
  await api.post(`/pipelines/${own.id}/hooks/incoming`, { name: 'GitHub', preset: 'github' });
  await api.post(`/variables/server/${server.id}`, {
    key: 'ROLE',
    value: 'web',
    description: 'What it is for',
  });

  const application = await api.post<WithId>(`${here}/applications`, {
    name: 'web shop',
    repository: 'you/web',
    default_branch: 'trunk',
    credential_id: github.id,
    programming_language: 'nodejs',
    engine_version: '26',
    framework: 'none',
    root_directory: '/apps/web',
    deploy_directory: '/srv/web',
    deployments_keep: 7,
    install_dependencies_command: 'npm ci',
    build_command: script,
    linked_resources: [plain, server].map(({ id }) => ({ resource_type: 'server', resource_id: id })),
  });
  await api.post(`${here}/applications`, { name: 'bare', repository: 'git@example.com:a/b.git' });
  await api.post(`${here}/applications`, { name: 'cloud', repository: 'a/b', credential_id: shared.id });
  const variables = `/variables/application/${application.id}`;
  await api.post(variables, { key: 'NODE_ENV', value: 'production' });
  await api.post(variables, { key: 'EMPTY', value: '' });
  await api.post(variables, { key: 'NUMBER', value: '0123' });
  await api.post(variables, { key: 'LINES', value: 'one\ntwo\n\n  three\n' });
  await api.post(variables, { key: 'DATABASE_PASSWORD', value: fullSecrets.variable, hidden: true });

  const path = `/pipelines/application/${application.id}`;
  const deploy = await api.post<WithId>(path, {
    name: 'Deploy',
    operation: 'deploy',
    max_parallel_actions: 1,
    when_waiting: 'replace',
    timeout_seconds: 3600,
    steps: [
      { name: 'Build', command: script, run_as_user: 'www-data', timeout_seconds: 600 },
      { command: 'run lint', runner: 'npm', description: 'Style', type: 'command' },
      { name: 'Restart', command: 'sudo systemctl restart web', after_activation: true },
    ],
  });
  await api.post(path, { name: 'Migrate: all', operation: 'configure', steps: [{ command: 'true' }] });
  await api.post(path, { name: 'By hand', operation: 'deploy', default_steps: false });
  const incoming = `/pipelines/${deploy.id}/hooks/incoming`;
  for (const preset of ['github', 'gitea', 'gitlab', 'bitbucket', 'stripe', 'shopify', 'slack', 'standard'])
    await api.post(incoming, { name: `As ${preset} says`, preset });
  const gitlab = await api.post<{ id: string }>(incoming, {
    name: 'GitLab, signed',
    preset: 'gitlab',
    secret: fullSecrets.signing,
    trigger_when: { events: ['push', 'tag'], branches: ['main', 'release/*'] },
    rate_limit_per_minute: 60,
  });
  await api.put(`/hooks/incoming/${gitlab.id}`, { active: false });
  await api.post(incoming, { name: 'Stripe, set up', preset: 'stripe', secret: fullSecrets.hook });
  await api.post(incoming, { name: 'Unsigned GitHub', preset: 'github', requires_secret: false });
  await api.post(incoming, {
    name: 'GitHub with conditions alone',
    preset: 'github',
    trigger_when: { conditions: [{ path: 'action', accepted_values: ['opened'] }] },
  });
  const changed = await api.post<{ id: string }>(incoming, {
    name: 'GitHub, changed since',
    preset: 'github',
    trigger_when: {
      events: ['push', 'pull_request'],
      branches: [],
      conditions: [{ name: 'in the API', path: '$changed_files', globs: ['apps/api/**'] }],
    },
    settings: { variables: [{ name: 'event', path: '$headers.x-github-event', required: true }] },
  });
  const { settings } = await api.get<{ settings: { variables: unknown[] } }>(`/hooks/incoming/${changed.id}`);
  await api.put(`/hooks/incoming/${changed.id}`, { settings: { variables: settings.variables.slice(2) } });
  await api.post(incoming, {
    name: 'Without a preset',
    requires_secret: true,
    secret_algorithm: 'sha512',
    secret_header_name: 'X-My-Signature',
    signature_encoding: 'base64',
    signature_prefix: 'v1=',
    settings: {
      delivery_id_paths: ['$headers.x-request-id'],
      variables: [
        { name: 'source_type', type: 'string', default_value: 'branch' },
        { name: 'source_ref', path: 'ref', fallback_paths: ['branch', '$query.branch'], required: true },
        {
          name: 'version',
          path: 'ref',
          transform: {
            strip_prefix: ['refs/tags/', 'refs/heads/'],
            capture: '^v([0-9.]+)',
            lower_case: true,
            map: { '1.0': 'first' },
          },
        },
        { name: 'count', type: 'integer', default_value: 0 },
        { name: 'names', path: 'commits.*.author.name', type: 'array', default_value: [] },
        { name: 'dry', type: 'boolean', default_value: false },
      ],
    },
    trigger_when: {
      conditions: [
        { path: 'action', accepted_values: ['opened', 'true', '5', 5, true] },
        { name: 'not a fork', path: 'head.repo.id', same_as: 'base.repo.id' },
        { type: 'request_header', path: 'x-kind', matches: ['^push', 'tag$'], not: true },
        { type: 'request_query', path: 'env', accepted_values: ['prod', 7] },
        { type: 'variable', path: 'version', exists: true },
        { path: 'draft', exists: false, fallback_paths: ['pull_request.draft'] },
      ],
    },
  });
  await api.post(incoming, { name: 'Open to all' });
  const outgoing = `/pipelines/${deploy.id}/hooks/outgoing`;
  await api.post(outgoing, { name: 'Status', preset: 'github-commit-status' });
  await api.post(outgoing, {
    name: 'Comment',
    preset: 'github-pr-comment',
    trigger_when: { events: ['action.failed'] },
  });
  await api.post(outgoing, { name: 'Slack', preset: 'slack-message', target_url: fullSecrets.url });
  await api.post(outgoing, {
    name: 'Signed',
    preset: 'generic',
    target_url: 'https://example.com/{{ action.id }}',
  });
  await api.post(outgoing, {
    name: 'Own',
    target_url: 'https://example.com/hook?stage={{ environment.type }}',
    verify_ssl: false,
    signing: true,
    secret: fullSecrets.signing,
    active: false,
    tls: {
      ca_certificate: tls('ca.pem'),
      client_certificate: tls('client.pem'),
      client_key: fullSecrets.clientKey,
    },
    settings: {
      request_headers: [
        { name: 'X-Plain', value: '{{ action.status }}' },
        { name: 'Authorization', value: fullSecrets.header },
        { name: 'X-Api-Key', value: '{{ application.source_provider.access_token }}' },
      ],
      request_body: {
        text: 'Line one\n{{ action.status }}\n',
        token: fullSecrets.body,
        list: [1, true, null, { deep: '{{ event | json }}' }],
      },
    },
    trigger_when: {
      events: ['action.created', 'action.queued', 'action.skipped', 'hook.disabled'],
      conditions: [{ path: 'action.status', accepted_values: ['failed', 5] }],
    },
  });
  await api.post(outgoing, {
    name: 'Text',
    target_url: 'http://example.com/',
    settings: { request_body: 'status={{ action.status }}&number=1' },
  });
  await api.post('/hooks/incoming', {
    name: 'Older',
    resource_type: 'application',
    resource_id: application.id,
    action_type: 'deploy',
    preset: 'github',
  });
  await api.post('/hooks/outgoing', {
    name: 'Older',
    resource_type: 'server',
    resource_id: server.id,
    action_type: 'restart',
    target_url: 'https://example.com/',
  });
}

/** A file knows it by its name, so there is one, however many environments are filled. */
async function sharedCredential({ api, organizationId }: Pick<Workplace, 'api' | 'organizationId'>) {
  const path = `/organizations/${organizationId}/credentials`;
  const name = 'Shared';
  const all = await api.get<{ id: number; name: string }[]>(path);
  const settings = { access_token: fullSecrets.token };
  return (
    all.find((one) => one.name === name) ??
    (await api.post<{ id: number }>(path, { name, provider_code: 'bitbucket', settings }))
  );
}
