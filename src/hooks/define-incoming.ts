import { isDeeperThan } from '../platform/dotted-path.ts';
import { createEffort, longStep, TooMuchEffort, type Effort } from '../platform/effort.ts';
import { invalid, type FieldError } from '../platform/errors.ts';
import {
  ExpressionFault,
  linearExpression,
  linearGlob,
  type LinearExpression,
} from '../platform/linear-expression.ts';
import { pathSegments } from '../platform/path-segments.ts';
import { mask } from '../platform/secret-box.ts';
import {
  mostLevels,
  mostValueBytes,
  typeOf,
  type HookVariable,
  type IncomingCondition,
  type IncomingDefinition,
  type IncomingEvent,
  type SecretAlgorithm,
  type SignatureEncoding,
  type VariableType,
} from './definition.ts';
import { signatureScheme, type SignatureSchemeName } from './signature-schemes.ts';
import { isSigningSecret } from './signing-secret.ts';

/* What somebody sends to define an incoming hook, checked and completed. */

export type IncomingInput = {
  name?: string | undefined;
  active?: boolean | undefined;
  requires_secret?: boolean | undefined;
  secret?: string | undefined;
  signature_scheme?: SignatureSchemeName | null | undefined;
  secret_algorithm?: SecretAlgorithm | null | undefined;
  secret_header_name?: string | null | undefined;
  signature_encoding?: SignatureEncoding | null | undefined;
  signature_prefix?: string | null | undefined;
  settings?:
    | { variables?: HookVariable[] | undefined; delivery_id_paths?: string[] | null | undefined }
    | null
    | undefined;
  trigger_when?:
    | {
        conditions?: IncomingCondition[] | undefined;
        events?: IncomingEvent[] | undefined;
        branches?: string[] | undefined;
      }
    | null
    | undefined;
  rate_limit_per_minute?: number | null | undefined;
};

/** Of variables and conditions as JSON: they are kept in memory for each hook that is called. */
const mostCharacters = 262_144;
const leastSecret = 8;
const shortSecret = { field: 'secret', message: `must have at least ${leastSecret} characters` };

/** What the input leaves out is taken from `old`. Throws `invalid` with every fault. */
export function incomingDefinition(input: IncomingInput, old: IncomingDefinition | null): IncomingDefinition {
  const secret = givenSecret(input);
  // Whoever names a secret, a scheme, an algorithm or a header wants signatures, also if the flag itself was forgotten or
  // misspelt.
  const wantsSecret =
    secret !== undefined ||
    Boolean(
      input.signature_scheme ??
      input.secret_algorithm ??
      input.secret_header_name ??
      input.signature_encoding ??
      input.signature_prefix,
    );
  const requires_secret = input.requires_secret ?? (wantsSecret || (old?.requires_secret ?? false));
  const variables = input.settings?.variables ?? old?.variables ?? [];
  const conditions = (input.trigger_when?.conditions ?? old?.conditions ?? []).map(withoutNullFields);
  const delivery_id_paths = kept(input.settings?.delivery_id_paths, old?.delivery_id_paths ?? null) ?? [];
  if (JSON.stringify({ variables, conditions }).length > mostCharacters) {
    const message = `and trigger_when must have no more than ${mostCharacters} characters together`;
    throw invalid([{ field: 'settings', message }]);
  }
  const schemeName = input.signature_scheme ?? old?.signature_scheme ?? 'hmac';
  const faults = [
    ...faultsOfPathsAndExpressions(variables, conditions, delivery_id_paths),
    ...(secret === undefined ? [] : faultsOfSecret(secret, schemeName, requires_secret)),
  ];
  if (faults.length > 0) throw invalid(faults);
  const scheme = signatureScheme(schemeName);
  // What was said of another scheme says nothing of this one.
  const before = (old?.signature_scheme ?? 'hmac') === schemeName ? old : null;
  const { events = old?.events, branches = old?.branches } = input.trigger_when ?? {};
  return {
    requires_secret,
    signature_scheme: requires_secret ? schemeName : null,
    secret_algorithm: requires_secret
      ? (input.secret_algorithm ?? before?.secret_algorithm ?? scheme.algorithm)
      : null,
    secret_header_name: requires_secret
      ? (input.secret_header_name ?? before?.secret_header_name ?? scheme.header).toLowerCase()
      : null,
    signature_encoding: requires_secret
      ? kept(input.signature_encoding, before?.signature_encoding ?? null)
      : null,
    signature_prefix: requires_secret ? kept(input.signature_prefix, before?.signature_prefix ?? null) : null,
    delivery_id_paths,
    ...(events && events.length > 0 ? { events } : {}),
    ...(branches ? { branches } : {}),
    variables,
    conditions,
    rate_limit_per_minute: kept(input.rate_limit_per_minute, old?.rate_limit_per_minute ?? null),
  };
}

function faultsOfPathsAndExpressions(
  variables: HookVariable[],
  conditions: IncomingCondition[],
  deliveryIdPaths: string[],
): FieldError[] {
  const effort = createEffort();
  try {
    return [
      ...variables.flatMap((variable, index) => faultsOfVariable(variable, index, variables, effort)),
      ...conditions.flatMap((condition, index) => faultsOfCondition(condition, index, effort)),
      ...deliveryIdPaths.flatMap((path, index) =>
        faultOfPath(`settings.delivery_id_paths.${index}`, path, effort),
      ),
    ];
  } catch (error) {
    if (!(error instanceof TooMuchEffort)) throw error;
    const message = 'and trigger_when hold too many expressions and globs, or too large ones, to look at';
    return [{ field: 'settings', message }];
  }
}

/** A field that is null is one that is not there. */
export function withoutNullFields<Value extends object>(value: Value): Value {
  // Safe: only fields that may be absent may be null.
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== null)) as Value;
}

/** Null takes away what there was; what is left out keeps it. */
function kept<Value>(given: Value | null | undefined, before: Value | null): Value | null {
  return given === undefined ? before : given;
}

function faultsOfVariable(
  variable: HookVariable,
  index: number,
  all: HookVariable[],
  effort: Effort,
): FieldError[] {
  const { name, path, fallback_paths, transform, default_value } = variable;
  const type = typeOf(variable);
  const faults: FieldError[] = [];
  const at = `settings.variables.${index}`;
  const first = all.findIndex((one) => one.name.toUpperCase() === name.toUpperCase());
  if (first !== index) {
    const message = `repeats the name "${all[first]!.name}": in a step both are HOOKLINE_VAR_${name.toUpperCase()}`;
    faults.push({ field: `${at}.name`, message });
  }
  for (const [field, one] of placesOf({ path: path ?? name, fallback_paths }))
    faults.push(...faultOfPath(`${at}.${field}`, one, effort));
  const capture = transform?.capture;
  if (typeof capture === 'string')
    faults.push(...faultOfExpression(`${at}.transform.capture`, () => linearExpression(capture), effort));
  if (isDeeperThan(default_value, mostLevels)) {
    const message = `must not be nested more than ${mostLevels} levels deep`;
    faults.push({ field: `${at}.default_value`, message });
  }
  if (Buffer.byteLength(JSON.stringify(default_value ?? null)) > mostValueBytes)
    faults.push({ field: `${at}.default_value`, message: `must have no more than ${mostValueBytes} bytes` });
  if (default_value !== undefined && default_value !== null && !isOfType(default_value, type)) {
    faults.push({ field: `${at}.default_value`, message: `must be of the variable's type, ${type}` });
  }
  return faults;
}

function faultsOfCondition(condition: IncomingCondition, index: number, effort: Effort): FieldError[] {
  const { path, fallback_paths, accepted_values = [], same_as, exists } = condition;
  const [matches, globs] = [condition.matches ?? [], condition.globs ?? []];
  const at = `trigger_when.conditions.${index}`;
  const faults: FieldError[] = [];
  const compares = accepted_values.length + matches.length + globs.length > 0 || typeof same_as === 'string';
  if (!compares && typeof exists !== 'boolean') {
    const message = 'needs at least one value; or give the condition matches, globs, same_as or exists';
    faults.push({ field: `${at}.accepted_values`, message });
  }
  for (const [which, value] of accepted_values.entries()) {
    if (typeof value !== 'number' || !Number.isInteger(value) || Number.isSafeInteger(value)) continue;
    const message = 'is beyond 2^53, where a number would be another one: give it as a text';
    faults.push({ field: `${at}.accepted_values.${which}`, message });
  }
  if (compares && exists === true) {
    const message = 'must not be true beside a comparison, which only a value that is there can meet';
    faults.push({ field: `${at}.exists`, message });
  }
  if ((condition.type ?? 'request_body') === 'request_body') {
    for (const [field, one] of placesOf({ path, fallback_paths }))
      faults.push(...faultOfPath(`${at}.${field}`, one, effort));
  } else if (fallback_paths && fallback_paths.length > 0) {
    const message = 'are for conditions on the body, where a path may also begin with $headers. or $query.';
    faults.push({ field: `${at}.fallback_paths`, message });
  }
  if (typeof same_as === 'string') faults.push(...faultOfPath(`${at}.same_as`, same_as, effort));
  for (const [which, pattern] of matches.entries())
    faults.push(...faultOfExpression(`${at}.matches.${which}`, () => linearExpression(pattern), effort));
  for (const [which, glob] of globs.entries())
    faults.push(...faultOfExpression(`${at}.globs.${which}`, () => linearGlob(glob), effort));
  return faults;
}

function placesOf(of: { path: string; fallback_paths?: string[] | null | undefined }): [string, string][] {
  const others = (of.fallback_paths ?? []).map((one, index): [string, string] => [
    `fallback_paths.${index}`,
    one,
  ]);
  return [['path', of.path], ...others];
}

function faultOfPath(field: string, path: string, effort: Effort): FieldError[] {
  effort.spend(1);
  const rest = path.replaceAll(/\[[^[\]]*\]/g, '');
  if (/[[\]]/.test(rest)) return [{ field, message: 'has a bracket without its other half' }];
  const isWhole = path === '$changed_files' || path === '$body';
  if (path.startsWith('$') && !isWhole && !/^\$(headers|query)\..+/i.test(path)) {
    const message = 'begins with a $, but is none of $headers.…, $query.…, $body and $changed_files';
    return [{ field, message }];
  }
  const filters = pathSegments(path).flatMap((segment) => (segment.kind === 'item' ? segment.is : []));
  return filters.flatMap(({ value, isGlob }) =>
    isGlob ? faultOfExpression(field, () => linearGlob(value), effort) : [],
  );
}

function faultOfExpression(field: string, compile: () => LinearExpression, effort: Effort): FieldError[] {
  try {
    effort.spend(longStep);
    compile();
    return [];
  } catch (error) {
    if (!(error instanceof ExpressionFault)) throw error;
    return [{ field, message: error.message }];
  }
}

function faultsOfSecret(
  secret: string,
  schemeName: SignatureSchemeName,
  requiresSecret = true,
): FieldError[] {
  if (!requiresSecret)
    return [{ field: 'secret', message: 'is given, but requires_secret is false: leave one of the two out' }];
  if (secret.length < leastSecret) return [shortSecret];
  if (signatureScheme(schemeName).key === 'text' || isSigningSecret(secret, { prefix: 'optional' }))
    return [];
  return [{ field: 'secret', message: 'must be whsec_ and 24 to 64 bytes in base64' }];
}

/** The mask, or nothing, as answers show a secret, is no secret: sending such an answer back changes nothing. */
export function givenSecret({ secret }: Pick<IncomingInput, 'secret'>): string | undefined {
  return secret === undefined || secret === mask || secret === '' ? undefined : secret;
}

/** Throws `invalid`. */
export function checkSecret(secret: string, scheme: SignatureSchemeName): void {
  const faults = faultsOfSecret(secret, scheme);
  if (faults.length > 0) throw invalid(faults);
}

function isOfType(value: unknown, type: VariableType): boolean {
  if (type === 'array') return Array.isArray(value);
  if (type === 'integer') return Number.isSafeInteger(value);
  return typeof value === type;
}
