import { findApplication, type ApplicationRow } from '../inventory/applications/store.ts';
import { openSettings, type SourceProviderCode } from '../inventory/credentials/source-provider.ts';
import { findCredential } from '../inventory/credentials/store.ts';
import { findServer } from '../inventory/servers/store.ts';
import { environmentVariables } from '../inventory/variables/store.ts';
import type { Connection } from '../platform/database/connect.ts';
import { parseExactJson } from '../platform/exact-json.ts';
import type { SecretBox } from '../platform/secret-box.ts';
import { actionUrl, type EventWriter } from './events.ts';
import type { Deployment } from './releases/deployment.ts';
import { gitSource, type GitCredential, type GitSource } from './releases/git-source.ts';
import type { ClaimedAction } from './claim-action.ts';
import type { ActionParameters, TriggeredFrom, VariableValue } from './trigger.ts';

/** What the steps of a run have in common. */
export type Prepared = {
  actionId: number;
  /** Of every step, beside what its user has. */
  environment: Record<string, string>;
  /** What must not appear in the logs. */
  secrets: string[];
  /** Set for a deployment with default steps. */
  release: PreparedRelease | null;
};

export type PreparedRelease = {
  actionId: number;
  application: ApplicationRow;
  deployment: Deployment;
  source: GitSource;
  /** The commit that was asked for, or empty. */
  commitHash: string;
  isRollback: boolean;
};

export async function prepareRun(
  { connection: { db }, writer, box }: { connection: Connection; writer: EventWriter; box: SecretBox },
  { action, deployment }: ClaimedAction,
): Promise<Prepared> {
  const resource = { type: action.resource_type, id: action.resource_id };
  const variables = await environmentVariables(db, box, resource);
  const secrets = variables.filter(({ hidden }) => hidden).map(({ value }) => value);
  const application = resource.type === 'application' ? await findApplication(db, resource.id) : undefined;
  const credential = application ? await credentialOf({ db, box }, application) : null;
  if (credential) secrets.push(credential.settings.access_token);
  const source = application ? gitSource(application.repository, credential) : null;
  if (source?.login) secrets.push(source.login.password);

  const { hook_parsed_variables } = parseExactJson(action.triggered_from) as TriggeredFrom;
  const parameters = JSON.parse(action.parameters) as ActionParameters;
  const environment: Record<string, string> = {
    ...Object.fromEntries(variables.map(({ key, value }) => [key, clean(value)])),
    HOOKLINE_ACTION_ID: String(action.id),
    HOOKLINE_ACTION_URL: actionUrl(writer.publicUrl(), action.id),
    HOOKLINE_PIPELINE_ID: String(action.pipeline_id ?? ''),
    HOOKLINE_SOURCE_TYPE: deployment?.source_type ?? parameters.source_type ?? '',
    HOOKLINE_SOURCE_REF: clean(deployment?.source_ref ?? parameters.source_ref ?? ''),
    HOOKLINE_COMMIT_HASH: clean(parameters.commit_hash ?? ''),
  };
  const server = resource.type === 'server' ? await findServer(db, action.resource_id) : undefined;
  if (server) {
    environment['HOOKLINE_SERVER_ID'] = String(server.id);
    environment['HOOKLINE_SERVER_HOSTNAME'] = server.hostname;
    environment['HOOKLINE_SERVER_ADDRESS'] = server.ip_address ?? server.hostname;
    environment['HOOKLINE_SERVER_SSH_PORT'] = String(server.ssh_port);
    environment['HOOKLINE_SERVER_SSH_USER'] = server.ssh_user;
  }
  for (const [name, value] of Object.entries(hook_parsed_variables ?? {})) {
    environment[`HOOKLINE_VAR_${name.toUpperCase()}`] = clean(asText(value));
  }
  const release =
    deployment && application && source
      ? {
          actionId: action.id,
          application,
          deployment,
          source,
          commitHash: parameters.commit_hash ?? '',
          isRollback: parameters.rollback_to !== undefined,
        }
      : null;
  return { actionId: action.id, environment, secrets, release };
}

async function credentialOf(
  { db, box }: { db: Connection['db']; box: SecretBox },
  { credential_id }: ApplicationRow,
): Promise<GitCredential | null> {
  const row = credential_id === null ? undefined : await findCredential(db, credential_id);
  if (!row) return null;
  // Safe: only the schema's values are written.
  return { provider: row.provider_code as SourceProviderCode, settings: openSettings(box, row) };
}

function asText(value: VariableValue): string {
  if (value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The system cannot pass NUL in an environment. */
function clean(value: string): string {
  return value.replaceAll('\0', '');
}
