import type { VariableValue } from '../actions/trigger.ts';
import type { IncomingCondition } from '../hooks/definition.ts';
import { lookUp } from '../platform/dotted-path.ts';
import { readHeader, readPath, type PayloadSource } from './extract.ts';

/**
 * The first condition that is not met, in one sentence that shows the value found, or null. All must be met; each is
 * met when its value is any of the accepted ones.
 */
export function unmetCondition(
  conditions: IncomingCondition[],
  source: PayloadSource,
  variables: Record<string, VariableValue>,
): string | null {
  for (const [index, condition] of conditions.entries()) {
    const { met, value } = evaluate(condition, source, variables);
    if (met) continue;
    const name = condition.name ? ` (${condition.name})` : '';
    const accepted = condition.accepted_values.map((one) => JSON.stringify(one)).join(', ');
    const found = value === undefined ? 'nothing there' : (JSON.stringify(value) ?? 'nothing').slice(0, 200);
    return (
      `Condition ${index + 1} of ${conditions.length}${name} is not met: ` +
      `${condition.path} must be ${condition.accepted_values.length > 1 ? 'one of ' : ''}${accepted}, and found was ${found}.`
    );
  }
  return null;
}

/** Whether one condition is met, and the value that was looked at. */
export function evaluate(
  condition: IncomingCondition,
  source: PayloadSource,
  variables: Record<string, VariableValue>,
): { met: boolean; value: unknown } {
  const value = valueOf(condition, source, variables);
  return { met: condition.accepted_values.some((accepted) => isSame(accepted, value)), value };
}

function valueOf(
  condition: IncomingCondition,
  source: PayloadSource,
  variables: Record<string, VariableValue>,
): unknown {
  switch (condition.type ?? 'request_body') {
    case 'request_body':
      return readPath(source, condition.path);
    case 'request_header':
      return readHeader(source, condition.path);
    case 'variable':
      return lookUp(variables, condition.path);
  }
}

/** Text and number of the same writing are the same: a form's field or a header is always text. */
function isSame(accepted: string | number | boolean, value: unknown): boolean {
  if (value === undefined || value === null || typeof value === 'object') return false;
  return String(accepted) === String(value);
}
