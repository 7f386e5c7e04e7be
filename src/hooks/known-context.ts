/* The names that templates and conditions of outgoing hooks may use (DESIGN §8). A test compares them with real events. */

/** A name's own names; `true` is a value; `open` holds whatever the payload or the user brought. */
export type KnownNames = { [name: string]: KnownNames | true | 'open' };

const values = (...names: string[]): KnownNames => Object.fromEntries(names.map((name) => [name, true]));

const action: KnownNames = {
  ...values('id', 'pipeline_id', 'type', 'type_human_readable', 'status', 'status_human_readable'),
  ...values('status_reason_code', 'status_reason_human_readable', 'url_web_permalink', 'trigger_comment'),
  ...values('retry_of', 'created_at', 'started_at', 'completed_at', 'updated_at'),
  commit: values('hash', 'ref', 'message', 'author_name'),
  release: values('name'),
  parameters: {
    ...values('source_type', 'source_ref', 'commit_hash', 'rollback_to', 'deployment_type'),
    servers: 'open',
  },
  triggered_from: {
    ...values('origin', 'trigger_type', 'name', 'email', 'ip_address', 'user_id', 'hook_id'),
    ...values('hook_request_id'),
    hook_parsed_variables: 'open',
  },
};

const application: KnownNames = {
  ...values('id', 'name', 'repository', 'repository_owner', 'repository_name', 'default_branch'),
  source_provider: values('code', 'name', 'access_token'),
};

/**
 * What an event of a hook on such a resource may hold. `variables` are the names that the pipeline's incoming hooks
 * extract; with none of them known, any is taken.
 */
export function knownContext(resourceType: string, variables: string[]): KnownNames {
  const triggered = action['triggered_from'] as KnownNames;
  const parsed =
    variables.length > 0 ? Object.fromEntries(variables.map((name) => [name, 'open' as const])) : 'open';
  return {
    event: true,
    action: { ...action, triggered_from: { ...triggered, hook_parsed_variables: parsed } },
    ...(resourceType === 'server'
      ? { server: values('id', 'hostname', 'ip_address', 'status') }
      : { application }),
    pipeline: values('id', 'name', 'operation'),
    environment: values('id', 'name', 'type'),
    project: values('id', 'name'),
    hook: values('id', 'name'),
    disabled_hook: values('id', 'name', 'pipeline_id', 'reason'),
  };
}
