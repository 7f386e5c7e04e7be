import { ExpressionFault, linearExpression } from '../../../platform/linear-expression.ts';
import {
  conjunction,
  disjunction,
  FormulaTooLarge,
  literalOf,
  negation,
  always,
  never,
  type Formula,
  type Literal,
} from './formula.ts';
import type { Located } from './read-hooks.ts';
import { placeOf, readParameter } from './places.ts';

/*
 * The rule of a hook as a formula over what can be told of one parameter. Webhook's own order of evaluation counts: in an
 * `and` a parameter that is not there makes the whole false, also behind a `not`; in an `or` it is only false itself.
 */

/** When a rule is true, and when looking for its parameters ends in an error. */
type Meaning = {
  isTrue: Formula;
  isError: () => Formula;
  /** Where it is true there was no error: of all but what stands behind a `not`. */
  isSound: boolean;
};

/** `tell` hears of what is wrong with the rule itself. */
export function readRule(
  rule: Located,
  parsed: ReadonlySet<string>,
  tell: (line: number, text: string) => void,
): Formula {
  try {
    return meaningOf(rule, parsed, tell).isTrue;
  } catch (error) {
    if (!(error instanceof FormulaTooLarge)) throw error;
    const why = 'it is nested too deeply to be taken apart';
    return literalOf({ kind: 'unknown', line: rule.line, what: 'the rule', why });
  }
}

function meaningOf(
  rule: Located,
  parsed: ReadonlySet<string>,
  tell: (line: number, text: string) => void,
): Meaning {
  const { fields, line } = rule;
  const noError = { isError: () => never, isSound: true };
  const and = fields?.get('and');
  if (and) {
    const all = (and.items ?? []).map((one) => meaningOf(one, parsed, tell));
    const fine = all.map(({ isTrue, isError, isSound }) =>
      isSound ? isTrue : conjunction([isTrue, negation(isError())]),
    );
    return {
      isTrue: conjunction(fine),
      isError: () =>
        disjunction(all.map(({ isError }, index) => conjunction([...fine.slice(0, index), isError()]))),
      isSound: true,
    };
  }
  const or = fields?.get('or');
  if (or) {
    const any = (or.items ?? []).map((one) => meaningOf(one, parsed, tell).isTrue);
    return { isTrue: disjunction(any), ...noError };
  }
  const not = fields?.get('not');
  if (not) {
    const { isTrue, isError } = meaningOf(not, parsed, tell);
    return { isTrue: negation(isTrue), isError, isSound: false };
  }
  const match = fields?.get('match');
  if (match?.fields) return matchMeaning(match, parsed, tell);
  tell(line, 'is no rule, and so never met; webhook takes it that way too');
  return { isTrue: never, ...noError };
}

function matchMeaning(
  match: Located,
  parsed: ReadonlySet<string>,
  tell: (line: number, text: string) => void,
): Meaning {
  const { line } = match;
  const text = (name: string) => match.fields?.get(name)?.text ?? '';
  const type = text('type');
  const noError = { isError: () => never, isSound: true };
  const only = (literal: Literal): Meaning => ({ isTrue: literalOf(literal), ...noError });
  const unknown = (what: string, why: string) => only({ kind: 'unknown', line, what, why });
  if (type === 'ip-whitelist')
    return unknown(
      'ip-whitelist',
      'Hookline looks at signatures, not at addresses: let the proxy or the firewall do it',
    );
  if (type === 'scalr-signature') return unknown('scalr-signature', 'Hookline does not know how Scalr signs');

  const given = match.fields?.get('parameter');
  const parameter = readParameter(given ?? match);
  const [, algorithm] = /^payload-(?:hmac|hash)-(sha1|sha256|sha512)$/.exec(type) ?? [];
  if (algorithm !== undefined) {
    if (parameter.source !== 'header')
      return unknown(type, 'Hookline looks for a signature in a header only');
    if (!/^[A-Za-z0-9-]{1,64}$/.test(parameter.name))
      return unknown(type, `Hookline takes no header of the name "${parameter.name}" for a signature`);
    return only({
      kind: 'signature',
      // Safe: the expression above has nothing else.
      algorithm: algorithm as 'sha1' | 'sha256' | 'sha512',
      header: parameter.name.toLowerCase(),
      secret: text('secret'),
      line: match.fields?.get('secret')?.line ?? line,
    });
  }
  if (type !== 'value' && type !== 'regex') {
    tell(line, `the type "${type}" is none of webhook's, and so never met`);
    return { isTrue: never, ...noError };
  }
  const place = placeOf(parameter, parsed);
  if (place.kind === 'none') return unknown(`${parameter.source} ${parameter.name}`.trim(), place.why);
  const fault = type === 'regex' ? faultOfExpression(text('regex')) : null;
  if (fault !== null) return unknown('regex', fault);
  if (place.kind === 'constant') {
    const is =
      type === 'value' ? place.text === text('value') : linearExpression(text('regex')).test(place.text);
    return { isTrue: is ? always : never, ...noError };
  }
  const literal: Literal =
    type === 'value'
      ? { kind: 'value', place, parameter, value: text('value') }
      : { kind: 'regex', place, parameter, regex: text('regex') };
  const isPresent = literalOf({ kind: 'present', place, parameter });
  // The body is always there.
  const isError = () => (place.paths[0] === '$body' ? never : negation(isPresent));
  return { isTrue: literalOf(literal), isError, isSound: true };
}

/** Both read RE2; Hookline takes expressions of a limited size. */
function faultOfExpression(expression: string): string | null {
  try {
    linearExpression(expression === '' ? '^' : expression);
    return null;
  } catch (error) {
    if (!(error instanceof ExpressionFault)) throw error;
    return `the expression ${error.message}`;
  }
}
