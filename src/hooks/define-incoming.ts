import { isDeeperThan } from '../platform/dotted-path.ts';
import { invalid, type FieldError } from '../platform/errors.ts';
import { mask } from '../platform/secret-box.ts';
import {
  mostLevels,
  typeOf,
  type HookVariable,
  type IncomingCondition,
  type IncomingDefinition,
  type SecretAlgorithm,
  type VariableType,
} from './definition.ts';

/* What somebody sends to define an incoming hook, checked and completed. */

export type IncomingInput = {
  name?: string | undefined;
  active?: boolean | undefined;
  requires_secret?: boolean | undefined;
  secret?: string | undefined;
  secret_algorithm?: SecretAlgorithm | null | undefined;
  secret_header_name?: string | null | undefined;
  settings?: { variables?: HookVariable[] | undefined } | null | undefined;
  trigger_when?: { conditions?: IncomingCondition[] | undefined } | null | undefined;
  rate_limit_per_minute?: number | null | undefined;
};

const leastSecret = 8;
const shortSecret = { field: 'secret', message: `must have at least ${leastSecret} characters` };
const defaultAlgorithm = 'sha256';
const defaultHeader = 'x-hub-signature-256';

/** What the input leaves out is taken from `old`. Throws `invalid` with every fault. */
export function incomingDefinition(input: IncomingInput, old: IncomingDefinition | null): IncomingDefinition {
  const secret = givenSecret(input);
  // Whoever names a secret, an algorithm or a header wants signatures, also if the flag itself was forgotten or misspelt.
  const wantsSecret = secret !== undefined || Boolean(input.secret_algorithm ?? input.secret_header_name);
  const requires_secret = input.requires_secret ?? (wantsSecret || (old?.requires_secret ?? false));
  const variables = input.settings?.variables ?? old?.variables ?? [];
  const faults: FieldError[] = [];
  const names = variables.map(({ name }) => name);
  variables.forEach((variable, index) => {
    const { name, default_value } = variable;
    const type = typeOf(variable);
    if (names.indexOf(name) !== index) {
      faults.push({ field: `settings.variables.${index}.name`, message: `repeats the name "${name}"` });
    }
    if (isDeeperThan(default_value, mostLevels)) {
      const message = `must not be nested more than ${mostLevels} levels deep`;
      faults.push({ field: `settings.variables.${index}.default_value`, message });
    }
    if (default_value !== undefined && default_value !== null && !isOfType(default_value, type)) {
      faults.push({
        field: `settings.variables.${index}.default_value`,
        message: `must be of the variable's type, ${type}`,
      });
    }
  });
  if (secret !== undefined && secret.length < leastSecret) faults.push(shortSecret);
  if (faults.length > 0) throw invalid(faults);
  return {
    requires_secret,
    secret_algorithm: requires_secret
      ? (input.secret_algorithm ?? old?.secret_algorithm ?? defaultAlgorithm)
      : null,
    secret_header_name: requires_secret
      ? (input.secret_header_name ?? old?.secret_header_name ?? defaultHeader).toLowerCase()
      : null,
    variables,
    conditions: input.trigger_when?.conditions ?? old?.conditions ?? [],
    rate_limit_per_minute:
      input.rate_limit_per_minute === undefined
        ? (old?.rate_limit_per_minute ?? null)
        : input.rate_limit_per_minute,
  };
}

/** The mask, or nothing, as answers show a secret, is no secret: sending such an answer back changes nothing. */
export function givenSecret({ secret }: Pick<IncomingInput, 'secret'>): string | undefined {
  return secret === undefined || secret === mask || secret === '' ? undefined : secret;
}

/** Throws `invalid`. */
export function checkSecret(secret: string): void {
  if (secret.length < leastSecret) throw invalid([shortSecret]);
}

function isOfType(value: unknown, type: VariableType): boolean {
  if (type === 'array') return Array.isArray(value);
  if (type === 'integer') return Number.isSafeInteger(value);
  return typeof value === type;
}
