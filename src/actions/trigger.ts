/** The value of an extracted hook variable; null when an optional one was not there. */
export type VariableValue = string | number | bigint | boolean | unknown[] | null;

/** What started an action, as the wire shows it (WIRE.md, "Actions"); stored as JSON. */
export type TriggeredFrom = {
  origin: string | null;
  trigger_type: 'hook' | 'manual';
  name: string;
  email: string | null;
  ip_address: string;
  user_id: number | null;
  hook_id: string | null;
  hook_request_id: string | null;
  hook_parsed_variables: Record<string, VariableValue> | null;
};

/** What the action is to do beyond its pipeline; stored as JSON. */
export type ActionParameters = {
  source_type: 'branch' | 'tag' | 'commit' | null;
  source_ref: string | null;
  commit_hash: string | null;
  /** Null: the servers linked to the resource, else the built-in target `local`. */
  servers: number[] | null;
  /** The release that is to be live again; set for a rollback alone. */
  rollback_to?: string;
  /** What a deployment was asked for as; `deploy` if left out. */
  deployment_type?: 'redeploy';
};

/** Reads the parameters out of a hook's variables. `branch` is the older form of source type and ref. */
export function parametersFrom(variables: Record<string, VariableValue>): ActionParameters {
  const text = (name: string) => {
    const value = Object.hasOwn(variables, name) ? variables[name] : null;
    return typeof value === 'string' && value !== '' ? value : null;
  };
  const sourceType = text('source_type');
  const branch = text('branch');
  return {
    source_type:
      sourceType === 'branch' || sourceType === 'tag' || sourceType === 'commit'
        ? sourceType
        : branch && !text('source_ref')
          ? 'branch'
          : null,
    source_ref: text('source_ref') ?? branch,
    commit_hash: text('commit_hash'),
    servers: null,
  };
}
