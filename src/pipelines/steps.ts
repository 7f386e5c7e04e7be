import type { Clock } from '../platform/clock.ts';
import type { Trx } from '../platform/database/connect.ts';
import { invalid, notFound } from '../platform/errors.ts';
import { insertStep, lockPipeline, stepsOf, updateStep, type StepRow } from './store.ts';

/** Programs that a step may name instead of writing `npm run build` as a script of its own. */
export const runners = ['custom', 'composer', 'npm', 'pip', 'yarn'] as const;
export type Runner = (typeof runners)[number];

export type StepInput = {
  name?: string | null | undefined;
  description?: string | null | undefined;
  type?: string | undefined;
  command: string;
  runner?: Runner | undefined;
  run_as_user?: string | undefined;
  after_activation?: boolean | undefined;
  timeout_seconds?: number | null | undefined;
};

/** The bash script of a step. */
export function scriptOf(step: Pick<StepRow, 'runner' | 'command'>): string {
  return step.runner === 'custom' ? step.command : `${step.runner} ${step.command}`;
}

/** Appends a step to a pipeline. */
export async function addStep(
  { trx, clock }: { trx: Trx; clock: Clock },
  pipelineId: number,
  input: StepInput,
): Promise<StepRow> {
  const now = clock.now();
  const order = await lastPlace(trx, pipelineId, now);
  return await insertStep(trx, newStep(pipelineId, input, order, now));
}

/** The order of a step that is to be the last. Throws `invalid` when the pipeline is full. */
async function lastPlace(trx: Trx, pipelineId: number, now: number): Promise<number> {
  await lockPipeline(trx, pipelineId, now);
  const steps = await stepsOf(trx, pipelineId);
  if (steps.length >= mostSteps) {
    throw invalid([
      { field: 'command', message: `is one too many: a pipeline has at most ${mostSteps} steps` },
    ]);
  }
  return (steps.at(-1)?.trigger_order ?? 0) + 1;
}

/** The row of a new step. */
export function newStep(pipelineId: number, input: StepInput, order: number, now: number) {
  return {
    pipeline_id: pipelineId,
    name: input.name ?? null,
    description: input.description ?? null,
    type: input.type ?? 'command',
    command: input.command,
    runner: input.runner ?? 'custom',
    run_as_user: input.run_as_user ?? '',
    after_activation: input.after_activation ? (1 as const) : (0 as const),
    timeout_seconds: input.timeout_seconds ?? null,
    trigger_order: order,
    unlinked_at: null,
    created_at: now,
    updated_at: now,
  };
}

/** `triggerAfter` moves the step behind the one with that `trigger_order`; 0 moves it to the front. */
export async function changeStep(
  { trx, clock }: { trx: Trx; clock: Clock },
  ids: { pipelineId: number; stepId: number },
  input: StepInput & { triggerAfter?: number | undefined },
): Promise<void> {
  const now = clock.now();
  await lockPipeline(trx, ids.pipelineId, now);
  const steps = await stepsOf(trx, ids.pipelineId);
  const step = steps.find(({ id }) => id === ids.stepId);
  if (!step) throw notFound('The step');
  await updateStep(trx, step.id, {
    name: input.name === undefined ? step.name : input.name,
    description: input.description === undefined ? step.description : input.description,
    type: input.type ?? step.type,
    command: input.command,
    runner: input.runner ?? step.runner,
    run_as_user: input.run_as_user ?? step.run_as_user,
    ...(input.after_activation === undefined ? {} : { after_activation: input.after_activation ? 1 : 0 }),
    ...(input.timeout_seconds === undefined ? {} : { timeout_seconds: input.timeout_seconds }),
    updated_at: now,
  });
  const { triggerAfter } = input;
  if (triggerAfter === undefined) return;
  const others = steps.filter(({ id }) => id !== step.id);
  const place = others.filter(({ trigger_order }) => trigger_order <= triggerAfter).length;
  const ordered = [...others.slice(0, place), step, ...others.slice(place)];
  for (const [index, one] of ordered.entries()) {
    await updateStep(trx, one.id, { trigger_order: index + 1, updated_at: now });
  }
}

/**
 * Puts a step that was taken out back, at the end, or appends a copy of another pipeline's: a step belongs to one pipeline.
 * Where it is in the pipeline already, nothing happens.
 */
export async function linkStep(
  { trx, clock }: { trx: Trx; clock: Clock },
  pipelineId: number,
  step: StepRow,
): Promise<void> {
  const now = clock.now();
  if (step.pipeline_id !== pipelineId) {
    // Safe: only the schema's values are written.
    const input = { ...step, runner: step.runner as Runner, after_activation: step.after_activation === 1 };
    await addStep({ trx, clock }, pipelineId, input);
  } else if (step.unlinked_at !== null) {
    const trigger_order = await lastPlace(trx, pipelineId, now);
    await updateStep(trx, step.id, { unlinked_at: null, trigger_order, updated_at: now });
  }
}

/** Takes a step out of its pipeline; `linkStep` puts it back. */
export async function removeStep(
  { trx, clock }: { trx: Trx; clock: Clock },
  ids: { pipelineId: number; stepId: number },
): Promise<void> {
  const step = (await stepsOf(trx, ids.pipelineId)).find(({ id }) => id === ids.stepId);
  if (!step) throw notFound('The step');
  await updateStep(trx, step.id, { unlinked_at: clock.now() });
}

export const mostSteps = 100;

/** 64 KiB in UTF-8, which a length in characters does not tell. */
export const mostCommandBytes = 65_536;

export function checkCommand(command: string, field: string): void {
  if (Buffer.byteLength(command) > mostCommandBytes) {
    throw invalid([{ field, message: `must not be longer than ${mostCommandBytes} bytes` }]);
  }
  if (command.includes('\0')) throw invalid([{ field, message: 'must not hold a NUL character' }]);
}
