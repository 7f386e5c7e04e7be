import type { IncomingCondition } from '#sdk';
import { clausesOf, conjunction, disjunction, type Formula, type Literal } from './formula.ts';

/* A formula as conditions of an incoming hook: all of them must be met, and each is about one place. */

/** Of a hook Hookline takes 50; the rest is looked at in the step. */
const mostConditions = 40;

/** The conditions, and what is left of the formula that conditions cannot say; null when that is nothing. */
export function conditionsOf(formula: Formula): { conditions: IncomingCondition[]; rest: Formula | null } {
  const conditions: IncomingCondition[] = [];
  const rest: Formula[] = [];
  for (const part of formula.op === 'and' ? formula.of : [formula]) {
    const found = conditionsOfPart(part);
    if (found && conditions.length + found.length <= mostConditions) conditions.push(...found);
    else rest.push(part);
  }
  return { conditions: withoutImplied(conditions), rest: rest.length === 0 ? null : conjunction(rest) };
}

/** What is one of these values is there. */
function withoutImplied(conditions: IncomingCondition[]): IncomingCondition[] {
  const place = ({ type, path, fallback_paths }: IncomingCondition) =>
    JSON.stringify([type, path, fallback_paths]);
  const told = new Set(
    conditions.filter((one) => one.not !== true && typeof one.exists !== 'boolean').map(place),
  );
  return conditions.filter((one) => one.exists !== true || !told.has(place(one)));
}

function conditionsOfPart(part: Formula): IncomingCondition[] | null {
  const clauses = clausesOf(part, mostConditions);
  if (clauses === null) return null;
  const conditions: IncomingCondition[] = [];
  for (const clause of clauses) {
    // An `or` may have become one of less.
    const simple = disjunction(clause);
    if (simple.op === 'constant') {
      if (simple.is) continue;
      return null;
    }
    const condition = conditionOf(simple.op === 'or' ? simple.of : [simple]);
    if (condition === null) return null;
    if (condition !== 'always') conditions.push(condition);
  }
  return conditions;
}

type Told = Extract<Literal, { kind: 'present' | 'value' | 'regex' }>;

/** One condition for an `or` of literals about one place; null where there is none. */
function conditionOf(any: Formula[]): IncomingCondition | 'always' | null {
  const told: { literal: Told; isNegated: boolean }[] = [];
  for (const one of any) {
    if (one.op !== 'literal') return null;
    const { literal, isNegated } = one;
    if (literal.kind === 'signature' || literal.kind === 'unknown') return null;
    told.push({ literal, isNegated });
  }
  const [first] = told;
  if (!first) return null;
  const place = JSON.stringify(first.literal.place.paths);
  if (told.some(({ literal }) => JSON.stringify(literal.place.paths) !== place)) return null;

  const has = (kind: Told['kind'], isNegated: boolean) =>
    told.filter((one) => one.literal.kind === kind && one.isNegated === isNegated);
  const negated = [...has('value', true), ...has('regex', true)];
  const values = has('value', false);
  const expressions = has('regex', false);
  const at = placeOfCondition(first.literal);
  if (has('present', false).length > 0) return negated.length > 0 ? 'always' : { ...at, exists: true };
  if (negated.length === 0) {
    const accepted = values.flatMap(({ literal }) => (literal.kind === 'value' ? [literal.value] : []));
    const matches = expressions.flatMap(({ literal }) =>
      literal.kind === 'regex' ? [orAnything(literal.regex)] : [],
    );
    if (accepted.some((value) => value.length > 1000) || matches.some((one) => one.length > 500)) return null;
    if (accepted.length > 100 || matches.length > 20) return null;
    return {
      ...at,
      ...(accepted.length > 0 ? { accepted_values: accepted } : {}),
      ...(matches.length > 0 ? { matches } : {}),
      ...(has('present', true).length > 0 ? { exists: false } : {}),
    };
  }
  // No value is two others at once.
  if (new Set(has('value', true).map(({ literal }) => JSON.stringify(literal))).size > 1) return 'always';
  const [only, ...others] = negated;
  if (!only || others.length > 0 || values.length + expressions.length > 0) return null;
  const { literal } = only;
  if (literal.kind === 'value')
    return literal.value.length > 1000 ? null : { ...at, accepted_values: [literal.value], not: true };
  return literal.kind === 'regex' ? { ...at, matches: [orAnything(literal.regex)], not: true } : null;
}

/** An empty expression is none to Hookline; to webhook it is one that matches everything. */
export function orAnything(expression: string): string {
  return expression === '' ? '^' : expression;
}

function placeOfCondition({ place }: Told): Pick<IncomingCondition, 'type' | 'path' | 'fallback_paths'> {
  const [path, ...fallback_paths] = place.paths;
  const [, where, name] = /^\$(headers|query)\.(.+)$/.exec(path) ?? [];
  if (where !== undefined && name !== undefined)
    return { type: where === 'headers' ? 'request_header' : 'request_query', path: name };
  return { path, ...(fallback_paths.length > 0 ? { fallback_paths } : {}) };
}
