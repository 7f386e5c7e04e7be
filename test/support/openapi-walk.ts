import assert from 'node:assert/strict';
import { createAnswerCheck } from './answer-matches.ts';
import { until } from './api-client.ts';
import type { CallAnswer, GeneratedClient } from './generated-client.ts';
import type { OpenApiDocument } from './openapi-document.ts';
import type { StepInput, Walk, WalkStep } from './openapi-scenario-step.ts';

const actionIdHeader = 'x-devopness-action-id';

export type Walker = Walk & {
  /** Calls what the step says, and asserts that it succeeds as the document says. */
  take(step: WalkStep): Promise<void>;
  /** What the first step with this operation has sent. */
  inputOf(operationId: string): StepInput;
  /** Calls an operation and asserts that the answer has this status and is what the document says. */
  expect(status: number, operationId: string, input: StepInput): Promise<CallAnswer>;
};

/** Goes through the API with a generated client, signed in with the last answer to `loginUser`. */
export function createWalker(context: {
  client: GeneratedClient;
  document: OpenApiDocument;
  admin: Walk['admin'];
  receiverUrl: string;
  providerUrl: string;
  repositoryUrl: string;
}): Walker {
  const { client, document, admin, receiverUrl, providerUrl, repositoryUrl } = context;
  const check = createAnswerCheck(document);
  const answers = new Map<string, CallAnswer>();
  const taken = new Map<string, { operationId: string; input: StepInput }>();

  const answerOf = (name: string): CallAnswer => {
    const found = answers.get(name);
    if (!found) throw new Error(`The walk has not taken the step ${name} yet.`);
    return found;
  };
  // A test says what it expects; the document's check is the proof.
  const answer = <T>(name: string) => answerOf(name).body as T;

  const send = async (operationId: string, { token, ...input }: StepInput): Promise<CallAnswer> => {
    const session = answers.get('loginUser')?.body as { access_token: string } | undefined;
    const received = await client.call(operationId, input, token ?? session?.access_token);
    check(operationId, received);
    return received;
  };
  const call = async (name: string): Promise<void> => {
    const { operationId, input } = taken.get(name)!;
    const received = await send(operationId, input);
    const { status, body } = received;
    assert.ok(status >= 200 && status < 300, `${name} answered ${status} ${JSON.stringify(body)}`);
    answers.set(name, received);
  };

  const walk: Walk = {
    admin,
    receiverUrl,
    providerUrl,
    repositoryUrl,
    answer,
    id: (name) => answer<{ id: unknown }>(name).id,
    actionOf: (name) => Number(answerOf(name).headers.get(actionIdHeader)),
    until: <T>(name: string, isWanted: (body: T) => boolean) =>
      until(async () => {
        if (isWanted(answer<T>(name))) return answer<T>(name);
        await call(name);
        return undefined;
      }, `${name} to answer as wanted`),
  };
  return {
    ...walk,
    async take({ operationId, name, input }) {
      assert.ok(!taken.has(name), `two steps are called ${name}`);
      taken.set(name, { operationId, input: await input(walk) });
      await call(name);
    },
    inputOf: (operationId) =>
      [...taken.values()].find((step) => step.operationId === operationId)?.input ?? {},
    async expect(status, operationId, input) {
      const received = await send(operationId, input);
      const told = `${operationId} answered ${received.status} ${JSON.stringify(received.body)}`;
      assert.equal(received.status, status, told);
      return received;
    },
  };
}
