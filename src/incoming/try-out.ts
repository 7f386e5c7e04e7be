import { Type, type Static } from 'typebox';
import type { VariableValue } from '../actions/trigger.ts';
import { IncomingCondition } from '../hooks/definition.ts';
import type { IncomingHook } from '../hooks/registry.ts';
import { sendsToken } from '../hooks/signature-schemes.ts';
import { FieldFault, Nullable, OneOf } from '../platform/http/schemas.ts';
import { evaluate, type Evaluation } from './conditions.ts';
import {
  notActive,
  sourceOf,
  understandPlain,
  verify,
  whyTooMuch,
  type Decision,
  type ReceivedRequest,
} from './decide.ts';
import { excerpt } from './excerpt.ts';
import { extractVariables } from './extract.ts';
import { plainRequest } from './inflate.ts';

export const TryOut = Type.Object(
  {
    hook_request_id: Nullable(Type.String({ description: 'The recorded request that was tried.' })),
    outcome: OneOf(['accepted', 'skipped', 'refused']),
    status_code: Type.Integer({
      description: 'What the sender would be answered, its signature left aside.',
    }),
    reason: Type.String(),
    errors: Nullable(Type.Array(FieldFault)),
    signature: Type.Object({
      valid: Type.Boolean(),
      reason: Nullable(Type.String({ description: 'Why it is not valid, or cannot be looked at any more.' })),
    }),
    variables: Type.Record(Type.String(), Type.Unknown(), {
      description: 'What the variables of the hook have found, by their names.',
    }),
    conditions: Type.Array(
      Type.Object(
        {
          ...IncomingCondition.properties,
          name: Nullable(Type.String()),
          type: Type.String(),
          accepted_values: Type.Array(Type.Unknown({ description: 'A text, a number or a boolean.' })),
          found: Type.Unknown({ description: 'Null where there is nothing.' }),
          met: Type.Boolean(),
        },
        { title: 'TriedCondition' },
      ),
    ),
    pipeline_id: Nullable(Type.Integer({ description: 'The pipeline that would run.' })),
  },
  { title: 'HookTryOut' },
);

/**
 * What a request would yield, with every step of the decision told and nothing kept. `now` is in ms since 1970: of a recorded
 * request the time when it came, by which its signature is judged.
 */
export async function tryOut(
  hook: IncomingHook,
  request: ReceivedRequest,
  { now, recordedAs, mostBytes }: { now: number; recordedAs: string | null; mostBytes: number },
): Promise<Static<typeof TryOut>> {
  const made = await plainRequest(request, mostBytes);
  const { request: plain, fault } = made;
  const decision: Decision = hook.row.active ? understandPlain(hook, made) : notActive;
  const { values, conditions } = lookThrough(hook, fault ? null : plain);
  return {
    hook_request_id: recordedAs,
    outcome: decision.outcome,
    status_code: decision.status,
    reason: decision.outcome === 'accepted' ? 'A pipeline would run.' : decision.reason,
    errors: decision.outcome === 'refused' ? (decision.errors ?? null) : null,
    signature: trySignature(hook, [request, plain], now, recordedAs !== null),
    variables: values,
    conditions: hook.definition.conditions.map((condition, index) => ({
      ...condition,
      name: condition.name ?? null,
      type: condition.type ?? 'request_body',
      accepted_values: condition.accepted_values ?? [],
      found: excerpt(conditions[index]?.value ?? null, mostShown),
      met: conditions[index]?.met ?? false,
    })),
    pipeline_id: decision.outcome === 'accepted' ? decision.pipelineId : null,
  };
}

/** Of each value that a condition has found. */
const mostShown = 10_000;

/** What the variables and each of the conditions find; nothing where the body cannot be read, or takes too long. */
function lookThrough(
  hook: IncomingHook,
  plain: ReceivedRequest | null,
): { values: Record<string, VariableValue>; conditions: Evaluation[] } {
  const parsed = plain && sourceOf(hook, plain);
  if (!parsed?.ok) return { values: {}, conditions: [] };
  const { definition } = hook;
  const { source } = parsed;
  try {
    const { values } = extractVariables(definition.variables, source);
    const conditions = definition.conditions.map((one) => evaluate(one, definition, source, values));
    return { values, conditions };
  } catch (error) {
    if (whyTooMuch(error) === null) throw error;
    return { values: {}, conditions: [] };
  }
}

/** Of a compressed body the signature may be over either form. */
function trySignature(
  hook: IncomingHook,
  forms: ReceivedRequest[],
  now: number,
  isRecorded: boolean,
): { valid: boolean; reason: string | null } {
  if (isRecorded && hook.definition.requires_secret && sendsToken(hook.definition)) {
    return { valid: true, reason: 'It was right when the request came; tokens are not kept.' };
  }
  const checks = forms.map((form) => verify(hook, form, now));
  const wrong = checks.find((check) => !check.ok);
  if (wrong === undefined || checks.some((check) => check.ok)) return { valid: true, reason: null };
  return { valid: false, reason: wrong.ok ? null : wrong.reason };
}
