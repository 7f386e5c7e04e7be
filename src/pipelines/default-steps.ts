import type { ApplicationRow } from '../inventory/applications/store.ts';
import { scriptOf } from './steps.ts';
import type { PipelineRow, StepRow } from './store.ts';

/** What Hookline itself does around the steps of a deploy pipeline; `command` is a step that somebody wrote. */
export type StepKind = 'command' | 'fetch' | 'install' | 'build' | 'activate' | 'prune';

/** A step as it is to run: a default one, or one of the pipeline's own with its row. */
export type PlannedStep = {
  kind: StepKind;
  name: string | null;
  description: string | null;
  /** The script, or for what Hookline does itself a line that says what that is. */
  command: string;
  runAsUser: string;
  /** Null for the default. */
  timeoutSeconds: number | null;
  row: StepRow | null;
};

/**
 * All steps in the order in which they run. A deploy pipeline of an application begins with the source of the release;
 * its own steps follow; once they have all succeeded the release goes live, then come those of its own that ask for
 * it, and at last old releases are removed. A rollback only makes another release live.
 */
export function planSteps(
  pipeline: Pick<PipelineRow, 'default_steps'>,
  application: Pick<
    ApplicationRow,
    'repository' | 'deployments_keep' | 'install_dependencies_command' | 'build_command'
  > | null,
  own: StepRow[],
  { isRollback = false }: { isRollback?: boolean } = {},
): PlannedStep[] {
  if (pipeline.default_steps !== 1 || !application) return own.map(planned);
  const runAsUser = commonUser(own);
  const step = (kind: StepKind, name: string, description: string, command: string): PlannedStep => ({
    kind,
    name,
    description,
    command,
    runAsUser,
    timeoutSeconds: null,
    row: null,
  });
  const { repository, deployments_keep, install_dependencies_command, build_command } = application;
  const build = [
    step(
      'fetch',
      'Fetch the source',
      'Puts the branch, tag or commit that was asked for into a new release.',
      `# Hookline fetches ${repository} into releases/<release name>.`,
    ),
    ...(install_dependencies_command
      ? [step('install', 'Install dependencies', 'As the application says.', install_dependencies_command)]
      : []),
    ...(build_command ? [step('build', 'Build', 'As the application says.', build_command)] : []),
    ...own.filter((row) => row.after_activation === 0).map(planned),
  ];
  const activate = step(
    'activate',
    'Activate the release',
    'Once every target is ready, lets the link `current` point to the release.',
    '# Hookline switches the link current to the release.',
  );
  const prune = step(
    'prune',
    'Remove old releases',
    `Keeps the newest ${deployments_keep}.`,
    `# Hookline removes all but the newest ${deployments_keep} releases.`,
  );
  const after = own.filter((row) => row.after_activation === 1).map(planned);
  return isRollback ? [activate, ...after] : [...build, activate, ...after, prune];
}

function planned(row: StepRow): PlannedStep {
  return {
    kind: 'command',
    name: row.name,
    description: row.description,
    command: scriptOf(row),
    runAsUser: row.run_as_user,
    timeoutSeconds: row.timeout_seconds,
    row,
  };
}

/** The default steps belong to whoever the others belong to, so that a build may write into the release. */
function commonUser(own: StepRow[]): string {
  const users = new Set(own.map((row) => row.run_as_user));
  return users.size === 1 ? [...users][0]! : '';
}

/** Whether a pipeline can have default steps at all. */
export function mayHaveDefaultSteps(resourceType: string, operation: string): boolean {
  return resourceType === 'application' && operation === 'deploy';
}
