import { Type } from 'typebox';
import type { FieldError } from '../platform/errors.ts';
import { FieldFault } from '../platform/http/schemas.ts';

// Lists of types rather than unions, which would be tried one by one with each answer.
const Receipt = Type.Object(
  {
    message: Type.String({ description: 'What came of it, in one sentence.' }),
    errors: Type.Unsafe<FieldError[] | null>({
      type: ['array', 'null'],
      items: FieldFault,
      description: 'Every fault of the request at once; null where no field is at fault.',
    }),
    action_id: Type.Unsafe<number | null>({
      type: ['integer', 'null'],
      description: 'The action that was started; of a repeat, the one that it had started before.',
    }),
    hook_request_id: Type.String({ format: 'uuid', description: 'The record of the request.' }),
  },
  { title: 'HookTriggerResponse' },
);

const Understood = Type.Object(
  {
    ...Receipt.properties,
    challenge: Type.Optional(
      Type.String({ description: 'What a sender has asked to hear back, as Slack does of a new address.' }),
    ),
  },
  { title: 'HookTriggerUnderstood' },
);

const Refusal = Type.Object(
  {
    ...Receipt.properties,
    action_id: Type.Optional(Type.Null()),
    hook_request_id: Type.Optional(
      Type.String({ format: 'uuid', description: 'The record of the request, if there is one.' }),
    ),
  },
  { title: 'HookTriggerRefusal' },
);

/** Each status has a schema of its own, since what serializes an answer is found by its status. */
export const triggerSchemas = {
  200: Understood,
  202: Receipt,
  400: Refusal,
  401: Refusal,
  404: Refusal,
  408: Refusal,
  413: Refusal,
  415: Refusal,
  422: Refusal,
  429: Refusal,
};
export type TriggerStatus = keyof typeof triggerSchemas;

/** The sentence of an answer; `reason` is that of the record. */
export function answerMessage(
  outcome: string,
  { reason, actionId }: { reason: string; actionId: number | null },
): string {
  // An action that is pruned has no number any more.
  if (actionId === null) return reason;
  if (outcome === 'duplicate')
    return `This delivery was accepted before, as action ${actionId}. It was not run again.`;
  return outcome === 'accepted' ? `Accepted as action ${actionId}.` : reason;
}

const example = (message: string, errors: FieldError[] | null = null, action_id: number | null = null) => ({
  message,
  errors,
  action_id,
  hook_request_id: '01938f2c-7b1d-7c5a-9f3e-6a4b2c1d0e9f',
});

/** When each answer is given, and how it may read. */
export const triggerAnswers: Record<TriggerStatus, { when: string; example: object }> = {
  200: {
    when: 'Understood, and nothing to run: a condition is not met, it is a ping, or a challenge.',
    example: example('Ping received: the hook is reachable.'),
  },
  202: {
    when: 'Accepted: the action is kept and will run. A repeat of a delivery is answered with the action of the first.',
    example: example('Accepted as action 42.', null, 42),
  },
  400: {
    when: 'The body is not the JSON or the form that its content type says.',
    example: example('The body is not valid JSON: property name expected at line 1, column 2.'),
  },
  401: {
    when: 'The signature is missing or wrong.',
    example: example(
      'The signature in x-hub-signature-256 does not match: another secret, or a changed body.',
    ),
  },
  404: {
    when: 'There is no such hook, or it is not active.',
    example: { message: 'The hook was not found.', errors: null },
  },
  408: {
    when: 'The body did not arrive in time.',
    example: example('The body did not arrive within 30 seconds.'),
  },
  413: { when: 'The body is too large.', example: example('The body is too large.') },
  415: {
    when: 'The body is neither JSON nor a form.',
    example: example('The content type text/plain is not known here.'),
  },
  422: {
    when: 'A variable that the hook requires is missing or of the wrong type; all of them are told.',
    example: example('Not run: source_ref is required.', [{ field: 'source_ref', message: 'is required' }]),
  },
  429: {
    when: 'More requests than the hook takes in a minute, which are recorded, or too many from this address that could not be verified, which are not; `Retry-After` says when to try again.',
    example: example('More requests than this hook takes: its limit is 60 a minute.'),
  },
};
