import { peopleSteps } from './openapi-scenario-people.ts';
import { resourceSteps } from './openapi-scenario-resources.ts';
import { runSteps } from './openapi-scenario-runs.ts';
import { step, type WalkStep } from './openapi-scenario-step.ts';

/** At least one call of every operation, in an order in which each of them succeeds. */
export const scenario: readonly WalkStep[] = [
  step('getOpenapi'),
  ...peopleSteps.arriving,
  ...resourceSteps.making,
  ...runSteps.making,
  ...peopleSteps.working,
  ...runSteps.removing,
  ...resourceSteps.removing,
  ...peopleSteps.leaving,
];
