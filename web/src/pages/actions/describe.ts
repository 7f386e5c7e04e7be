import type { Action, ActionRelation, ActionStep } from '#sdk';

type Any = Pick<ActionRelation, 'type_human_readable' | 'resource'>;

/** "Deploy shop". */
export function titleOf({ type_human_readable, resource }: Any): string {
  const { data, type_human_readable: kind, id } = resource;
  return `${type_human_readable} ${data?.name ?? `${kind.toLowerCase()} ${id}`}`;
}

/** The branch or tag and the commit, as far as they are known. */
export function sourceOf({ action_data, triggered_from }: ActionRelation): string | null {
  const variables = triggered_from.hook_parsed_variables ?? {};
  const text = (name: string) => (typeof variables[name] === 'string' ? variables[name] : null);
  const hash = action_data?.commit.hash ?? text('commit_hash');
  const ref = action_data?.deployment.source_ref ?? text('source_ref') ?? text('branch');
  const short = ref?.replace(/^refs\/(heads|tags)\//, '');
  const parts = [short === hash ? null : short, hash?.slice(0, 8)].filter(Boolean);
  return parts.length > 0 ? parts.join(' · ') : null;
}

export function stepName({ name, order }: Pick<ActionStep, 'name' | 'order'>): string {
  return name ?? `Step ${order}`;
}

/** The step that one wants to see first: what failed, else what runs, else what ran last. */
export function stepToShow(action: Action): ActionStep | null {
  const steps = action.targets.flatMap((target) => target.steps);
  return (
    steps.find(({ status }) => status === 'failed') ??
    steps.find(({ status }) => status === 'in-progress') ??
    steps.findLast(({ started_at }) => started_at !== null) ??
    steps[0] ??
    null
  );
}
