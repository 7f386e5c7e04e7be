import type { Parameter, Place } from './places.ts';

export type Literal =
  | { kind: 'present'; place: Place & { kind: 'paths' }; parameter: Parameter }
  | { kind: 'value'; place: Place & { kind: 'paths' }; parameter: Parameter; value: string }
  | { kind: 'regex'; place: Place & { kind: 'paths' }; parameter: Parameter; regex: string }
  | {
      kind: 'signature';
      algorithm: 'sha1' | 'sha256' | 'sha512';
      header: string;
      secret: string;
      line: number;
    }
  /** What Hookline cannot tell. */
  | { kind: 'unknown'; line: number; what: string; why: string };

export type Formula =
  | { op: 'constant'; is: boolean }
  | { op: 'literal'; literal: Literal; isNegated: boolean }
  | { op: 'and' | 'or'; of: Formula[] };

export const always: Formula = { op: 'constant', is: true };
export const never: Formula = { op: 'constant', is: false };

export function literalOf(literal: Literal): Formula {
  return { op: 'literal', literal, isNegated: false };
}

export function negation(formula: Formula): Formula {
  switch (formula.op) {
    case 'constant':
      return formula.is ? never : always;
    case 'literal':
      return { ...formula, isNegated: !formula.isNegated };
    case 'and':
      return disjunction(formula.of.map(negation));
    case 'or':
      return conjunction(formula.of.map(negation));
    default:
      return formula satisfies never;
  }
}

export function conjunction(all: Formula[]): Formula {
  return join('and', all);
}

export function disjunction(any: Formula[]): Formula {
  return join('or', any);
}

/** Taking `not`s apart can make of a deep rule more than there is room for. */
export class FormulaTooLarge extends Error {}

const mostLiterals = 500;

function sizeOf(formula: Formula): number {
  return formula.op === 'and' || formula.op === 'or' ? (sizes.get(formula) ?? 0) : 1;
}

const sizes = new WeakMap<Formula, number>();

function join(op: 'and' | 'or', all: Formula[]): Formula {
  const size = all.reduce((sum, one) => sum + sizeOf(one), 0);
  if (size > mostLiterals) throw new FormulaTooLarge();
  const absorbing = op === 'or';
  const flat = all.flatMap((one) => (one.op === op ? one.of : [one]));
  if (flat.some((one) => one.op === 'constant' && one.is === absorbing)) return absorbing ? always : never;
  const known = new Map<string, Formula>();
  for (const one of flat) if (one.op !== 'constant') known.set(keyOf(one), one);
  const [only, ...others] = known.values();
  if (!only) return absorbing ? never : always;
  if (others.length === 0) return only;
  // `a or not a` is always true, and `a and not a` never.
  const isDecided = [...known.values()].some(
    (one) => one.op === 'literal' && known.has(keyOf(negation(one))),
  );
  if (isDecided) return absorbing ? always : never;
  const joined: Formula = { op, of: [only, ...others] };
  sizes.set(
    joined,
    joined.of.reduce((sum, one) => sum + sizeOf(one), 0),
  );
  return joined;
}

/** What is the same has the same. */
function keyOf(formula: Formula): string {
  switch (formula.op) {
    case 'constant':
      return String(formula.is);
    case 'literal':
      return `${formula.isNegated ? '-' : '+'}${literalKey(formula.literal)}`;
    case 'and':
    case 'or':
      return `${formula.op}(${formula.of.map(keyOf).sort().join(',')})`;
    default:
      return formula satisfies never;
  }
}

function literalKey(literal: Literal): string {
  switch (literal.kind) {
    case 'present':
      return JSON.stringify(['present', literal.place.paths]);
    case 'value':
      return JSON.stringify(['value', literal.place.paths, literal.value]);
    case 'regex':
      return JSON.stringify(['regex', literal.place.paths, literal.regex]);
    case 'signature':
      return JSON.stringify(['signature', literal.algorithm, literal.header, literal.secret]);
    case 'unknown':
      return JSON.stringify(['unknown', literal.line, literal.what]);
    default:
      return literal satisfies never;
  }
}

/** The formula once `decide` has said of some literals whether they hold; null leaves one as it is. */
export function decided(
  formula: Formula,
  decide: (literal: Literal, isNegated: boolean) => boolean | null,
): Formula {
  switch (formula.op) {
    case 'constant':
      return formula;
    case 'literal': {
      const is = decide(formula.literal, formula.isNegated);
      if (is === null) return formula;
      return is ? always : never;
    }
    case 'and':
      return conjunction(formula.of.map((one) => decided(one, decide)));
    case 'or':
      return disjunction(formula.of.map((one) => decided(one, decide)));
    default:
      return formula satisfies never;
  }
}

export function literalsOf(formula: Formula): Literal[] {
  switch (formula.op) {
    case 'constant':
      return [];
    case 'literal':
      return [formula.literal];
    case 'and':
    case 'or':
      return formula.of.flatMap(literalsOf);
    default:
      return formula satisfies never;
  }
}

type Clause = Extract<Formula, { op: 'literal' }>[];

/** As an `and` of `or`s; null where that would be beyond `most`. */
export function clausesOf(formula: Formula, most: number): Clause[] | null {
  switch (formula.op) {
    case 'constant':
      return formula.is ? [] : [[]];
    case 'literal':
      return [[formula]];
    case 'and': {
      const all: Clause[] = [];
      for (const one of formula.of) {
        const clauses = clausesOf(one, most);
        if (clauses === null || all.length + clauses.length > most) return null;
        all.push(...clauses);
      }
      return all;
    }
    case 'or': {
      let all: Clause[] = [[]];
      for (const one of formula.of) {
        const clauses = clausesOf(one, most);
        if (clauses === null || all.length * clauses.length > most) return null;
        all = all.flatMap((before) => clauses.map((clause) => [...before, ...clause]));
      }
      return all;
    }
    default:
      return formula satisfies never;
  }
}
