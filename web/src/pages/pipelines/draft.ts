import type { Pipeline, Step, StepCreate } from '#sdk';

/** A step as it is being edited. */
export type DraftStep = {
  /** Stays the same while it is edited, also when the step is stored meanwhile. */
  key: string;
  /** Null for one that is not stored yet. */
  id: number | null;
  /** It goes when the changes are saved, and can be put back until then. */
  isRemoved: boolean;
  name: string;
  description: string;
  command: string;
  runner: NonNullable<StepCreate['runner']>;
  runAsUser: string;
  afterActivation: boolean;
  timeoutSeconds: number | null;
};

export type Draft = {
  name: string;
  maxParallel: number;
  whenWaiting: Pipeline['when_waiting'];
  timeoutSeconds: number | null;
  defaultSteps: boolean;
  steps: DraftStep[];
};

export function draftOf(pipeline: Pipeline): Draft {
  return {
    name: pipeline.name,
    maxParallel: pipeline.max_parallel_actions,
    whenWaiting: pipeline.when_waiting,
    timeoutSeconds: pipeline.timeout_seconds,
    defaultSteps: pipeline.default_steps,
    // The answer has them in the order in which they run.
    steps: pipeline.steps.filter((step) => !step.is_default_step).map(draftStep),
  };
}

function draftStep(step: Step): DraftStep {
  return {
    key: `step-${step.id}`,
    id: step.id,
    isRemoved: false,
    name: step.name ?? '',
    description: step.description ?? '',
    command: step.command,
    runner: step.runner,
    runAsUser: step.run_as_user,
    afterActivation: step.after_activation,
    timeoutSeconds: step.timeout_seconds,
  };
}

let added = 0;

export function newStep(afterActivation: boolean): DraftStep {
  return {
    key: `new-${++added}`,
    id: null,
    isRemoved: false,
    name: '',
    description: '',
    command: '',
    runner: 'custom',
    runAsUser: '',
    afterActivation,
    timeoutSeconds: null,
  };
}

/** The fields of a step as the API takes them. */
export function stepFields(step: DraftStep): StepCreate {
  return {
    name: step.name.trim() || null,
    description: step.description.trim() || null,
    command: step.command,
    runner: step.runner,
    run_as_user: step.runAsUser.trim(),
    after_activation: step.afterActivation,
    timeout_seconds: step.timeoutSeconds,
  };
}

/** Whether saving `draft` would change what `stored` was made of. */
export function isChanged(draft: Draft, stored: Draft): boolean {
  return asSaved(draft) !== asSaved(stored);
}

function asSaved({ steps, ...options }: Draft): string {
  const kept = steps.filter(({ isRemoved }) => !isRemoved);
  return JSON.stringify({ ...options, steps: kept.map((step) => [step.id, stepFields(step)]) });
}

/** Whether both are the same state of a pipeline, rather than one of them changed elsewhere. */
export function isSameState(one: Pipeline, other: Pipeline): boolean {
  const state = ({ updated_at, steps }: Pipeline) =>
    JSON.stringify([updated_at, steps.map(({ id, updated_at: at }) => [id, at])]);
  return state(one) === state(other);
}

/** What a step is called where it has no name: the first line of its script that says something. */
export function titleOf({ name, command }: Pick<DraftStep, 'name' | 'command'>): string {
  const lines = command.split('\n').map((line) => line.trim());
  return name.trim() || lines.find((line) => line && !line.startsWith('#')) || lines[0] || 'New step';
}
