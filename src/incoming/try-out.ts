import { Type, type Static } from 'typebox';
import type { VariableValue } from '../actions/trigger.ts';
import type { IncomingHook } from '../hooks/registry.ts';
import { FieldFault, Nullable, OneOf } from '../platform/http/schemas.ts';
import { evaluate } from './conditions.ts';
import { understand, verify, type ReceivedRequest } from './decide.ts';
import { extractVariables } from './extract.ts';
import { parsePayload } from './parse-payload.ts';

export const TryOut = Type.Object(
  {
    outcome: OneOf(['accepted', 'skipped', 'refused']),
    status_code: Type.Integer({
      description: 'What the sender would be answered, its signature left aside.',
    }),
    reason: Type.String(),
    errors: Nullable(Type.Array(FieldFault)),
    signature: Type.Object({
      valid: Type.Boolean(),
      reason: Nullable(Type.String({ description: 'Why it is not valid.' })),
    }),
    variables: Type.Record(Type.String(), Type.Unknown(), {
      description: 'What the variables of the hook have found, by their names.',
    }),
    conditions: Type.Array(
      Type.Object(
        {
          name: Nullable(Type.String()),
          type: Type.String(),
          path: Type.String(),
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

/** What a request would yield, with every step of the decision told and nothing kept. */
export function tryOut(hook: IncomingHook, request: ReceivedRequest, now: number): Static<typeof TryOut> {
  const signature = verify(hook, request, now);
  const decision = understand(hook, request);
  const contentType = request.headers['content-type'];
  const parsed = parsePayload(Array.isArray(contentType) ? contentType[0] : contentType, request.body);
  const source = { payload: parsed.ok ? parsed.payload : {}, headers: request.headers };
  const values: Record<string, VariableValue> = parsed.ok
    ? extractVariables(hook.definition.variables, source).values
    : {};
  return {
    outcome: decision.outcome,
    status_code: decision.status,
    reason: decision.outcome === 'accepted' ? 'A pipeline would run.' : decision.reason,
    errors: decision.outcome === 'refused' ? (decision.errors ?? null) : null,
    signature: { valid: signature.ok, reason: signature.ok ? null : signature.reason },
    variables: values,
    conditions: hook.definition.conditions.map((condition) => {
      const { met, value } = evaluate(condition, source, values);
      return {
        name: condition.name ?? null,
        type: condition.type ?? 'request_body',
        path: condition.path,
        accepted_values: condition.accepted_values,
        found: value ?? null,
        met,
      };
    }),
    pipeline_id: decision.outcome === 'accepted' ? decision.pipelineId : null,
  };
}
