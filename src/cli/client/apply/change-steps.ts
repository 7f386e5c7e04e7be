import {
  addPipelineStep,
  unlinkStepFromPipeline,
  updatePipelineStep,
  type Client,
  type Pipeline,
} from '#sdk';
import { stepDefaults, type Fields } from './kinds.ts';

type Step = Pipeline['steps'][number];

/**
 * Makes the steps of a pipeline what the file says, in its order. A step that stays keeps its id: by its name, by its
 * script, or else by its place.
 */
export async function changeSteps(
  client: Client,
  pipelineId: number,
  { wanted, now }: { wanted: Fields[]; now: Step[] },
): Promise<void> {
  const matched = matchSteps(wanted, now);
  const path = (step: Step) => ({ pipeline_id: pipelineId, step_id: step.id });
  for (const step of now)
    if (!matched.includes(step)) await unlinkStepFromPipeline({ client, path: path(step) });

  const order: Step[] = [];
  for (const [index, fields] of wanted.entries()) {
    const body = bodyOf(fields);
    const step = matched[index];
    if (step && differs(step, body)) await updatePipelineStep({ client, path: path(step), body });
    order.push(step ?? (await addPipelineStep({ client, path: { pipeline_id: pipelineId }, body })));
  }

  const kept = now.filter((step) => matched.includes(step));
  const added = order.filter((step) => !kept.includes(step));
  const isInOrder = [...kept, ...added].every((step, index) => step === order[index]);
  if (isInOrder) return;
  // Each move numbers all steps anew, from 1: the one before stands at `index`.
  for (const [index, step] of order.entries())
    await updatePipelineStep({
      client,
      path: path(step),
      body: { ...bodyOf(wanted[index]!), trigger_after: index },
    });
}

type StepBody = { command: string } & Fields;

function bodyOf(fields: Fields): StepBody {
  return { ...stepDefaults, ...fields, command: String(fields['command']) };
}

function differs(step: Step, body: StepBody): boolean {
  // Safe: a step has these fields.
  const now = step as unknown as Fields;
  return Object.entries(body).some(([field, value]) => (now[field] ?? null) !== value);
}

/** For each wanted step the one that it is now, if there is one. */
function matchSteps(wanted: Fields[], now: Step[]): (Step | undefined)[] {
  const matched: (Step | undefined)[] = wanted.map(() => undefined);
  const free = new Set(now);
  const take = (isLike: (fields: Fields, step: Step) => boolean) => {
    for (const [index, fields] of wanted.entries()) {
      if (matched[index]) continue;
      const step = [...free].find((one) => isLike(fields, one));
      if (!step) continue;
      matched[index] = step;
      free.delete(step);
    }
  };
  take((fields, step) => step.name !== null && fields['name'] === step.name);
  take((fields, step) => fields['command'] === step.command);
  take(() => true);
  return matched;
}
