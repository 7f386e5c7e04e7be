import {
  addPipelineStep,
  getPipeline,
  HooklineError,
  unlinkStepFromPipeline,
  updatePipeline,
  updatePipelineStep,
} from '#sdk';
import { stepFields, type Draft, type DraftStep } from './draft.ts';

/**
 * Stores a draft by the calls that it takes; `stored` is what it was made from. Where a call fails, those before it
 * have been done, and doing all of it again is safe: `onAdded` tells the id of each step that was stored.
 */
export async function saveDraft(
  pipelineId: number,
  { draft, stored }: { draft: Draft; stored: Draft },
  onAdded: (key: string, id: number) => void,
): Promise<void> {
  const path = { pipeline_id: pipelineId };
  const options = optionsOf(draft);
  if (JSON.stringify(options) !== JSON.stringify(optionsOf(stored)))
    await updatePipeline({ path, body: options });
  for (const step of draft.steps) {
    if (step.isRemoved && step.id !== null) await removeStep(pipelineId, step.id);
  }
  const wanted: { id: number; step: DraftStep }[] = [];
  for (const step of draft.steps.filter(({ isRemoved }) => !isRemoved)) {
    const body = stepFields(step);
    if (step.id === null) {
      const { id } = await addPipelineStep({ path, body });
      onAdded(step.key, id);
      wanted.push({ id, step });
      continue;
    }
    wanted.push({ id: step.id, step });
    const before = stored.steps.find(({ id }) => id === step.id);
    if (!before || JSON.stringify(stepFields(before)) !== JSON.stringify(body))
      await updatePipelineStep({ path: { ...path, step_id: step.id }, body });
  }
  await order(pipelineId, wanted);
}

function optionsOf({ name, maxParallel, whenWaiting, timeoutSeconds, defaultSteps }: Draft) {
  return {
    name: name.trim(),
    max_parallel_actions: maxParallel,
    when_waiting: whenWaiting,
    timeout_seconds: timeoutSeconds,
    default_steps: defaultSteps,
  };
}

/** One that is gone already was removed before, or by somebody else. */
async function removeStep(pipelineId: number, stepId: number): Promise<void> {
  try {
    await unlinkStepFromPipeline({ path: { pipeline_id: pipelineId, step_id: stepId } });
  } catch (error) {
    if (!(error instanceof HooklineError && error.status === 404)) throw error;
  }
}

/** Moves steps, one by one from the first, until all stand as wanted. */
async function order(pipelineId: number, wanted: { id: number; step: DraftStep }[]): Promise<void> {
  const { steps } = await getPipeline({ path: { pipeline_id: pipelineId } });
  let places = steps
    .filter(({ is_default_step }) => !is_default_step)
    .map(({ id, trigger_order }) => ({ id, place: trigger_order }))
    .toSorted((a, b) => a.place - b.place);
  for (const [index, { id, step }] of wanted.entries()) {
    if (places[index]?.id === id) continue;
    await updatePipelineStep({
      path: { pipeline_id: pipelineId, step_id: id },
      body: { command: step.command, trigger_after: index === 0 ? 0 : places[index - 1]!.place },
    });
    const others = places.filter((one) => one.id !== id);
    // A move numbers all of them anew.
    places = others.toSpliced(index, 0, { id, place: 0 }).map((one, at) => ({ id: one.id, place: at + 1 }));
  }
}
