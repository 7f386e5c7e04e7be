import type { CallInput } from './generated-client.ts';

/** What a step of the walk finds: the answers to the steps before it, by the names of those. */
export type Walk = {
  admin: { email: string; password: string };
  /** A server that answers 200 to everything. */
  receiverUrl: string;
  /** A GitHub of one's own. */
  providerUrl: string;
  /** A repository that can be fetched. */
  repositoryUrl: string;
  /** The body of a step's last answer. */
  answer<T = { id: number }>(step: string): T;
  /** The id in a step's last answer. */
  id(step: string): unknown;
  /** The id of the action that a step's last answer names in its header. */
  actionOf(step: string): number;
  /** Repeats the call of a step until its body is as wanted. */
  until<T>(step: string, isWanted: (body: T) => boolean): Promise<T>;
};

/** `token` is sent in place of the one from signing in. */
export type StepInput = CallInput & { token?: string };

/** A call that must succeed. */
export type WalkStep = {
  operationId: string;
  /** What its answer is kept as: the operation's id, unless it is called more than once. */
  name: string;
  /** Makes the input of the call from the answers before it. */
  input: (walk: Walk) => StepInput | Promise<StepInput>;
};

export function step(
  operationId: string,
  input: WalkStep['input'] = () => ({}),
  name: string = operationId,
): WalkStep {
  return { operationId, name, input };
}
