import type { ColumnType, Generated } from 'kysely';

/*
 * The tables as they stand after all migrations. Times are integer milliseconds, booleans are 0 or 1 and JSON is
 * text in both databases, so that one query text and one parser serve both.
 */

type Id = Generated<number>;
type Flag = 0 | 1;
/** A column set once, at insertion. */
type Fixed<T> = ColumnType<T, T, never>;

export type Database = {
  meta: { key: string; value: string };
  nodes: { id: string; name: string; started_at: number; expires_at: number };
  users: {
    id: Id;
    name: string;
    email: string;
    password_hash: string;
    active: Flag;
    language: string | null;
    created_at: Fixed<number>;
    updated_at: number;
  };
  sessions: {
    id: Id;
    user_id: number;
    access_hash: string;
    refresh_hash: string;
    access_expires_at: number;
    refresh_expires_at: number;
    created_at: Fixed<number>;
  };
  personal_access_tokens: {
    id: Fixed<string>;
    user_id: Fixed<number>;
    name: string;
    token_hash: string;
    last_used_at: number | null;
    expires_at: number;
    revoked_at: number | null;
    created_at: Fixed<number>;
    updated_at: number;
  };
  organizations: {
    id: Id;
    name: string;
    url_slug: string;
    owner_user_id: number;
    created_at: Fixed<number>;
    updated_at: number;
  };
  /** Who belongs to an organization directly; everybody else does through a team. `role` is the key of a predefined role. */
  memberships: { organization_id: number; user_id: number; role: string; created_at: Fixed<number> };
  roles: {
    id: Id;
    organization_id: Fixed<number>;
    /** Names the predefined role, whose permissions stand in `accounts/permissions.ts`; null for a custom one. */
    key: Fixed<string | null>;
    name: string;
    description: string;
    /** JSON list; null for a predefined role. */
    permissions: string | null;
    created_by: Fixed<number | null>;
    created_at: Fixed<number>;
    updated_at: number;
  };
  teams: {
    id: Id;
    organization_id: Fixed<number>;
    name: string;
    photo_url: string | null;
    created_by: Fixed<number>;
    created_at: Fixed<number>;
    updated_at: number;
  };
  team_members: { team_id: number; user_id: number; created_at: Fixed<number>; updated_at: number };
  /** The role that a team has on an environment, else on a project, else on its whole organization. */
  team_links: {
    id: Id;
    team_id: Fixed<number>;
    organization_id: Fixed<number>;
    project_id: Fixed<number | null>;
    environment_id: Fixed<number | null>;
    role_id: number;
    created_at: Fixed<number>;
    updated_at: number;
  };
  team_invitations: {
    id: Fixed<string>;
    team_id: Fixed<number>;
    /** `private` is for one e-mail address, `public` for whoever holds the link. */
    type: Fixed<'private' | 'public'>;
    email: Fixed<string | null>;
    status: 'pending' | 'accepted' | 'rejected' | 'active';
    token_hash: Fixed<string>;
    expires_at: number;
    accepted_at: number | null;
    accepted_from_ip: string | null;
    created_by: Fixed<number>;
    created_at: Fixed<number>;
    updated_at: number;
  };
  project_api_tokens: {
    id: Fixed<string>;
    project_id: Fixed<number>;
    role_id: Fixed<number>;
    name: string;
    token_hash: string;
    last_used_at: number | null;
    expires_at: number;
    revoked_at: number | null;
    created_by: Fixed<number>;
    created_at: Fixed<number>;
    updated_at: number;
  };
  audit_events: {
    id: Id;
    organization_id: Fixed<number>;
    project_id: Fixed<number | null>;
    environment_id: Fixed<number | null>;
    /** The operation id of the API. */
    operation: Fixed<string>;
    object_type: Fixed<string>;
    object_id: Fixed<string>;
    object_name: Fixed<string | null>;
    /** JSON list of the names of the fields that the body gave, never their values. */
    fields: Fixed<string>;
    user_id: Fixed<number>;
    user_name: Fixed<string>;
    token_type: Fixed<string>;
    token_id: Fixed<string>;
    token_name: Fixed<string | null>;
    ip_address: Fixed<string>;
    user_agent: Fixed<string | null>;
    request_id: Fixed<string>;
    created_at: Fixed<number>;
  };
  projects: {
    id: Id;
    organization_id: Fixed<number>;
    name: string;
    created_by: number;
    created_at: Fixed<number>;
    updated_at: number;
  };
  environments: {
    id: Id;
    project_id: Fixed<number>;
    type: string;
    name: string;
    description: string | null;
    created_by: number;
    created_at: Fixed<number>;
    updated_at: number;
  };
  credentials: {
    id: Id;
    organization_id: Fixed<number>;
    /** Null: usable in every environment of the organization. */
    environment_id: Fixed<number | null>;
    name: string;
    provider_code: string;
    provider_type: string;
    active: Flag;
    /** Sealed JSON {access_token, api_url}. */
    settings_sealed: string;
    created_by: number;
    created_at: Fixed<number>;
    updated_at: number;
  };
  applications: {
    id: Id;
    environment_id: Fixed<number>;
    credential_id: number | null;
    name: string;
    repository: string;
    default_branch: string;
    programming_language: string;
    engine_version: string;
    framework: string;
    /** A folder of the repository, in which the steps run. */
    root_directory: string | null;
    /** Where the releases lie on a target; null for `~/<name>`. */
    deploy_directory: string | null;
    deployments_keep: number;
    install_dependencies_command: string | null;
    build_command: string | null;
    created_by: number;
    created_at: Fixed<number>;
    updated_at: number;
  };
  servers: {
    id: Id;
    environment_id: Fixed<number>;
    hostname: string;
    ip_address: string | null;
    ssh_port: number;
    ssh_user: string;
    public_key: string;
    private_key_sealed: string;
    max_parallel_actions: number;
    provision_input: string | null;
    /** What the last start, stop, restart or get-status found. */
    status: Generated<string>;
    /** `<type> <base64>`, as it was at the first connection; null before that. */
    host_key: string | null;
    /** What the last test of the connection has found; null before the first. */
    connection_status: 'ok' | 'failed' | null;
    connection_message: string | null;
    connection_checked_at: number | null;
    created_by: number;
    created_at: Fixed<number>;
    updated_at: number;
  };
  application_servers: { application_id: number; server_id: number };
  variables: Resource & {
    id: Id;
    key: string;
    type: string;
    target: string;
    description: string | null;
    value_sealed: string;
    hidden: Flag;
    created_by: number;
    created_at: Fixed<number>;
    updated_at: number;
  };
  pipelines: Resource & {
    id: Id;
    environment_id: Fixed<number>;
    name: string;
    operation: Fixed<string>;
    max_parallel_actions: number;
    trigger_when: string | null;
    is_auto_generated: Generated<Flag>;
    /** Whether the steps that fetch, activate and prune a release stand around its own. */
    default_steps: Generated<Flag>;
    /** What a new action does to those that wait for a place: `queue` behind them, or `replace` them. */
    when_waiting: Generated<string>;
    /** Of a whole action; null for the default. */
    timeout_seconds: number | null;
    created_by: number;
    created_at: Fixed<number>;
    updated_at: number;
  };
  steps: {
    id: Id;
    pipeline_id: Fixed<number>;
    name: string | null;
    description: string | null;
    type: string;
    command: string;
    runner: string;
    run_as_user: string;
    /** It runs once the new release is live. */
    after_activation: Generated<Flag>;
    /** Null for the default. */
    timeout_seconds: number | null;
    trigger_order: number;
    /** Set when it was taken out of its pipeline; it can be linked again until retention removes it. */
    unlinked_at: number | null;
    created_at: Fixed<number>;
    updated_at: number;
  };
  hooks: Resource & {
    id: Id;
    uuid: Fixed<string>;
    direction: Fixed<'in' | 'out'>;
    environment_id: Fixed<number>;
    /** Null in the older form: the hook then belongs to every pipeline of its resource and operation. */
    pipeline_id: Fixed<number | null>;
    action_type: string;
    name: string;
    active: Flag;
    /** Sealed JSON: everything else that the user defined; an outgoing URL or header may hold a token. */
    definition_sealed: string;
    /** Null when the hook takes unsigned requests, or sends them. */
    secret_sealed: string | null;
    /** The secret before the last rotation, valid until the time beside it. */
    previous_secret_sealed: string | null;
    previous_secret_expires_at: number | null;
    /** The name of the preset that it was made from. */
    preset: Fixed<string | null>;
    /** Set when Hookline itself switched the hook off; `active` is 0 then. */
    disabled_at: number | null;
    disabled_reason: string | null;
    /** Counts the definitions it has had. */
    version: Generated<number>;
    created_by: number;
    created_at: Fixed<number>;
    updated_at: number;
  };
  /** The definitions that an outgoing hook had before the one it has now. */
  hook_versions: {
    id: Id;
    hook_id: Fixed<number>;
    version: Fixed<number>;
    definition_sealed: string;
    created_at: Fixed<number>;
  };
  /** Of an outgoing hook whose last attempt was not delivered; a healthy one has no row. See `outgoing/breaker.ts`. */
  hook_health: {
    hook_id: Fixed<number>;
    state: 'closed' | 'open';
    /** Attempts without an answer that says anything, one after the other. */
    failures_in_a_row: number;
    /** All attempts since `failing_since`. */
    failed_attempts: number;
    failing_since: number | null;
    /** How often the breaker has opened without a success in between. */
    openings: number;
    /** Nothing is claimed before. */
    blocked_until: number | null;
    reason: string;
    updated_at: number;
  };
  /** How many requests to an incoming hook were refused before they were verified; more than there are records of. */
  hook_refusals: { hook_id: Fixed<number>; count: number; last_at: number };
  /** Where an incoming hook is registered at a git host. */
  hook_installations: {
    hook_id: Fixed<number>;
    provider: string;
    api_url: string;
    repository: string;
    provider_hook_id: string;
    /** JSON: the names of the events in the provider's own words. */
    events: string;
    installed_at: number;
  };
  /** Sending again what a hook failed to deliver, bit by bit. */
  recoveries: {
    id: Id;
    uuid: Fixed<string>;
    hook_id: Fixed<number>;
    since: Fixed<number>;
    /** When it was asked for: what fails later is not part of it. */
    until: Fixed<number>;
    content: Fixed<'current' | 'original'>;
    include_overtaken: Fixed<Flag>;
    status: 'running' | 'completed' | 'cancelled';
    reason: string;
    /** How many deliveries had failed in its time. */
    total: Fixed<number>;
    /** Of those, not sent because a later event of the same action had arrived. */
    left_out: number;
    /** The last delivery that was looked at. */
    last_delivery_id: number;
    created_by: Fixed<number | null>;
    created_at: Fixed<number>;
    updated_at: number;
  };
  hook_requests: {
    id: Id;
    uuid: Fixed<string>;
    hook_id: Fixed<number>;
    hook_uuid: Fixed<string>;
    environment_id: Fixed<number>;
    outcome: Fixed<'accepted' | 'skipped' | 'refused' | 'duplicate'>;
    status_code: Fixed<number>;
    /** Why nothing ran, or what did, in one sentence. */
    reason: Fixed<string>;
    /** JSON of `{field, message}` of a 422, else null. */
    errors: Fixed<string | null>;
    ip_address: Fixed<string>;
    /** What stood behind the `?` of the address, sensitive values masked; null when nothing did. */
    request_query: Fixed<string | null>;
    /** JSON, sensitive values masked; null when they stand in the payload. */
    request_headers: Fixed<string | null>;
    request_bytes: Fixed<number>;
    /** Where headers and body stand, see `incoming/payload.ts`; null when only the attempt was recorded. */
    payload_id: Fixed<number | null>;
    payload_offset: Fixed<number | null>;
    payload_length: Fixed<number | null>;
    duration_us: Fixed<number>;
    /** SHA-256 over hook and the sender's delivery id, cut to 16 bytes; set on accepted requests only, and unique. */
    dedup_key: Fixed<Buffer | null>;
    /** The action it caused; for a duplicate, the one that the first delivery caused. */
    action_id: Fixed<number | null>;
    /** The UUID of the request that this one repeats because somebody asked for it. */
    retry_of: Fixed<string | null>;
    created_at: Fixed<number>;
  };
  /** The headers and bodies of the requests of one commit, compressed together. */
  request_payloads: { id: Id; content: Fixed<Buffer>; created_at: Fixed<number> };
  actions: {
    id: Id;
    organization_id: Fixed<number>;
    project_id: Fixed<number>;
    environment_id: Fixed<number>;
    pipeline_id: Fixed<number | null>;
    resource_type: Fixed<string>;
    resource_id: Fixed<number>;
    type: Fixed<string>;
    status: string;
    reason_code: string;
    reason: string;
    trigger_comment: Fixed<string | null>;
    retry_of: Fixed<number | null>;
    /** JSON, see `actions/trigger.ts`. */
    triggered_from: Fixed<string>;
    /** JSON, see `actions/trigger.ts`. */
    parameters: Fixed<string>;
    /** The node that runs it; guards every write of the run, so that a node declared dead cannot write any more. */
    claimed_by: string | null;
    /** Names the processes of the run on the target, so that orphans can be found and ended. */
    run_id: string | null;
    /** JSON of what a deployment is about, see `actions/releases/deployment.ts`; null for anything else. */
    action_data: string | null;
    /** Who asked for its end, as the reason tells it; the node that runs it ends it. */
    cancelled_by: string | null;
    /** The last `seq` of its stream. */
    last_seq: Generated<number>;
    started_at: number | null;
    completed_at: number | null;
    created_at: Fixed<number>;
    updated_at: number;
  };
  action_targets: {
    id: Id;
    action_id: Fixed<number>;
    resource_type: Fixed<string>;
    /** 0 for the built-in target `local`. */
    resource_id: Fixed<number>;
    /** JSON, what the target was when the action started. */
    resource_data: Fixed<string>;
    status: string;
    reason_code: string;
    reason: string;
    started_at: number | null;
    completed_at: number | null;
    created_at: Fixed<number>;
    updated_at: number;
  };
  action_steps: {
    id: Id;
    action_id: Fixed<number>;
    target_id: Fixed<number>;
    step_order: Fixed<number>;
    name: Fixed<string | null>;
    description: Fixed<string | null>;
    /** What Hookline itself does in it, see `pipelines/default-steps.ts`; `command` for a script of somebody's. */
    kind: Fixed<string>;
    command: Fixed<string>;
    run_as_user: Fixed<string>;
    timeout_seconds: Fixed<number>;
    status: string;
    reason_code: string;
    reason: string;
    exit_code: number | null;
    started_at: number | null;
    completed_at: number | null;
    created_at: Fixed<number>;
    updated_at: number;
  };
  /** What happens in an action, in order: its output and each change of a status. See `actions/stream.ts`. */
  action_stream: {
    id: Id;
    action_id: Fixed<number>;
    /** From 1, without a gap within the action, in the order of the commits. */
    seq: Fixed<number>;
    type: Fixed<'log' | 'action' | 'target' | 'step'>;
    /** Set where `content` is output. */
    step_id: Fixed<number | null>;
    /** Output, or JSON. */
    content: Fixed<string>;
    created_at: Fixed<number>;
  };
  /** What a deployment has put, or is putting, onto its targets. */
  releases: {
    id: Id;
    application_id: Fixed<number>;
    action_id: Fixed<number>;
    name: Fixed<string>;
    status: 'building' | 'ready' | 'failed' | 'removed';
    /** JSON of a Commit; null until it was fetched. */
    commit: string | null;
    /** When it last became the live one; the newest of all is. */
    activated_at: number | null;
    created_at: Fixed<number>;
    updated_at: number;
  };
  action_events: {
    id: Id;
    action_id: Fixed<number>;
    /** The status the action took; `hook.disabled` of that event, which is none of the action. */
    status: Fixed<string>;
    /** JSON of what templates may use; null when no outgoing hook wanted the event. */
    context: Fixed<string | null>;
    created_at: Fixed<number>;
  };
  deliveries: {
    id: Id;
    uuid: Fixed<string>;
    hook_id: Fixed<number>;
    hook_uuid: Fixed<string>;
    environment_id: Fixed<number>;
    action_id: Fixed<number>;
    event_id: Fixed<number>;
    event: Fixed<string>;
    status: 'pending' | 'sending' | 'delivered' | 'skipped' | 'rejected' | 'failed';
    reason: string;
    attempts: number;
    /** Of them, those before it was last sent anew: the retries are counted from there. */
    attempts_before: Generated<number>;
    /** 1 when it was skipped because the templates could not be filled in: with other ones it can be. */
    unrendered: Generated<Flag>;
    /** The version of the hook whose body it is to have; null for that of now. */
    content_version: number | null;
    recovery_id: number | null;
    next_attempt_at: number;
    claimed_by: string | null;
    created_at: Fixed<number>;
    updated_at: number;
  };
  delivery_attempts: {
    id: Id;
    uuid: Fixed<string>;
    delivery_id: Fixed<number>;
    hook_id: Fixed<number>;
    attempt: Fixed<number>;
    url: Fixed<string>;
    request_headers: Fixed<string>;
    request_body: Fixed<string>;
    /** 0 when there was no answer. */
    status_code: Fixed<number>;
    response_headers: Fixed<string>;
    response_body: Fixed<string>;
    ip_address: Fixed<string>;
    reason: Fixed<string>;
    duration_ms: Fixed<number>;
    /** The version of the hook that was rendered; null in rows from before versions. */
    hook_version: Fixed<number | null>;
    /** JSON, see `hooks/request-record.ts`. */
    timing: Fixed<string | null>;
    response_truncated: Generated<Flag>;
    created_at: Fixed<number>;
  };
  /** Deliveries that have ended at their turn without anything having been tried, e.g. since their hook is gone. */
  delivery_endings: {
    id: Id;
    delivery_id: Fixed<number>;
    status: Fixed<'skipped' | 'failed'>;
    reason: Fixed<string>;
    created_at: Fixed<number>;
  };
};

/** What a pipeline, variable or hook belongs to. */
type Resource = {
  resource_type: Fixed<string>;
  resource_id: Fixed<number>;
  /** The same as a foreign key, so that deleting the resource takes along what hangs on it. */
  application_id: Fixed<number | null>;
  server_id: Fixed<number | null>;
};
