import type { VariableValue } from '../actions/trigger.ts';
import type { IncomingCondition, IncomingDefinition } from '../hooks/definition.ts';
import { tokenPath } from '../hooks/signature-schemes.ts';
import { lookUp } from '../platform/dotted-path.ts';
import { linearExpression, linearGlob } from '../platform/linear-expression.ts';
import { mask } from '../platform/secret-box.ts';
import { changedFiles } from './changed-files.ts';
import { excerpt } from './excerpt.ts';
import { variablePaths } from './extract.ts';
import {
  changedFilesPath,
  isSecretPath,
  isWritten,
  readFirst,
  readHeader,
  readPath,
  readQuery,
  type PayloadSource,
} from './paths.ts';

/** Of a hook what tells which values are tokens. */
type Context = Pick<IncomingDefinition, 'variables'> &
  Partial<Pick<IncomingDefinition, 'signature_scheme' | 'secret_header_name'>>;

export type Evaluation = {
  met: boolean;
  /** What was looked at; a mask where it may be a token. */
  value: unknown;
};

/**
 * The first condition that is not met, in one sentence that shows the value found, or null. All must be met; each is
 * met when its value is any of those that it accepts. Anybody may read the sentence: of what may be a token it shows
 * neither what was found nor what is right.
 */
export function unmetCondition(
  definition: Context & Pick<IncomingDefinition, 'conditions'>,
  source: PayloadSource,
  variables: Record<string, VariableValue>,
): string | null {
  const { conditions } = definition;
  for (const [index, condition] of conditions.entries()) {
    const { met, value } = evaluate(condition, definition, source, variables);
    if (met) continue;
    const name = condition.name ? ` (${condition.name})` : '';
    const wanted = isSecret(condition, definition) ? 'be what the hook says' : wantedOf(condition);
    return (
      `Condition ${index + 1} of ${conditions.length}${name} is not met: ` +
      `${placesOf(condition)} must ${wanted}, and found was ${shown(value)}.`
    );
  }
  return null;
}

/** Whether one condition is met, and the value that was looked at. Of a list one item that is accepted is enough. */
export function evaluate(
  condition: IncomingCondition,
  definition: Context,
  source: PayloadSource,
  variables: Record<string, VariableValue>,
): Evaluation {
  const value = valueOf(condition, source, variables);
  const isAccepted = accepts(condition, value, source);
  const met =
    isAccepted !== (condition.not === true) || (!isAccepted && isCut(condition, definition, source));
  return { met, value: isSecret(condition, definition) ? hidden(value) : value };
}

/** What a sender left out of its list of files may be what decides: better run once too often. */
function isCut(
  { path, type = 'request_body' }: IncomingCondition,
  { variables }: Context,
  source: PayloadSource,
): boolean {
  const isOfFiles =
    type === 'variable'
      ? variables.some((one) => one.name === path && variablePaths(one).includes(changedFilesPath))
      : type === 'request_body' && path === changedFilesPath;
  return isOfFiles && changedFiles(source.payload)?.isComplete === false;
}

function accepts(condition: IncomingCondition, value: unknown, source: PayloadSource): boolean {
  const { accepted_values = [], exists, same_as } = condition;
  const [matches, globs] = [condition.matches ?? [], condition.globs ?? []];
  const isThere = value !== undefined && value !== null;
  if (!isThere) {
    if (exists === false) return true;
    return typeof same_as === 'string' && (readPath(source, same_as) ?? null) === null;
  }
  if (exists === true) return true;
  // It may be long since they were compiled.
  source.effort?.spend(20 * (matches.length + globs.length));
  const tests = [
    ...matches.map((pattern) => linearExpression(pattern)),
    ...globs.map((glob) => linearGlob(glob)),
  ];
  const other = typeof same_as === 'string' ? readPath(source, same_as) : undefined;
  const isOne = (item: unknown): boolean => {
    source.effort?.spend(1);
    if (item === null || typeof item === 'object') return false;
    const text = String(item);
    return (
      accepted_values.some((accepted) => text === String(accepted)) ||
      tests.some((expression) => {
        source.effort?.spend(1 + text.length / 16);
        return expression.test(text);
      }) ||
      (other !== undefined && isWritten(other, text))
    );
  };
  // `commits.*.added` is a list of lists.
  return Array.isArray(value) ? value.flat().some(isOne) : isOne(value);
}

function valueOf(
  condition: IncomingCondition,
  source: PayloadSource,
  variables: Record<string, VariableValue>,
): unknown {
  const { path } = condition;
  switch (condition.type ?? 'request_body') {
    case 'request_body':
      return readFirst(source, pathsOf(condition)).value;
    case 'request_header':
      return readHeader(source, path);
    case 'request_query':
      return readQuery(source, path);
    case 'variable':
      return lookUp(variables, path);
  }
}

/** Where a condition on the body looks; the first place that holds anything counts. */
function pathsOf({ path, fallback_paths }: Pick<IncomingCondition, 'path' | 'fallback_paths'>): string[] {
  return [path, ...(fallback_paths ?? [])];
}

function placesOf(condition: IncomingCondition): string {
  const [first, second, ...others] = pathsOf(condition);
  const more = others.length === 0 ? '' : ` or ${others.length} more`;
  return second === undefined ? first! : `${first} or ${second}${more}`;
}

/** What a value must be, after "must". */
function wantedOf(condition: IncomingCondition): string {
  const { accepted_values = [], exists, same_as, not } = condition;
  const [matches, globs] = [condition.matches ?? [], condition.globs ?? []];
  const alternatives: string[] = [];
  const values = accepted_values.map((one) => JSON.stringify(one));
  if (values.length > 1) alternatives.push(`be one of ${told(values, ', ')}`);
  else if (values.length === 1) alternatives.push(`be ${told(values, ', ')}`);
  if (matches.length > 0) alternatives.push(`match ${told(matches, ' or ')}`);
  if (globs.length > 0) alternatives.push(`match ${told(globs, ' or ')}`);
  if (typeof same_as === 'string') alternatives.push(`be the same as ${same_as}`);
  if (exists === false) alternatives.push('be absent');
  if (exists === true) alternatives.push('be there');
  return `${not === true ? 'not ' : ''}${alternatives.join(not === true ? ' nor ' : ' or ')}`;
}

/** As many as one reads. A sentence is kept with each request that does not meet its condition. */
const mostTold = 10;
const mostCharactersTold = 100;

function told(all: string[], separator: string): string {
  const some = all.slice(0, mostTold).map((one) => cutAt(one, mostCharactersTold));
  return all.length > mostTold
    ? `${some.join(separator)} or ${all.length - mostTold} more`
    : some.join(separator);
}

function cutAt(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)} …` : text;
}

/** Every place whose value a condition compares, as the paths of variables name them. */
export function conditionPaths(
  { type = 'request_body', path, fallback_paths, same_as }: IncomingCondition,
  variables: IncomingDefinition['variables'],
): string[] {
  const others = typeof same_as === 'string' ? [same_as] : [];
  switch (type) {
    case 'request_body':
      return [...pathsOf({ path, fallback_paths }), ...others];
    case 'request_header':
      return [`$headers.${path}`, ...others];
    case 'request_query':
      return [`$query.${path}`, ...others];
    case 'variable': {
      const variable = variables.find(({ name }) => path === name || path.startsWith(`${name}.`));
      return [...(variable ? variablePaths(variable) : []), ...others];
    }
  }
}

function isSecret(condition: IncomingCondition, definition: Context): boolean {
  const token = tokenPath(definition);
  return conditionPaths(condition, definition.variables).some(
    (path) => isSecretPath(path) || path.toLowerCase() === token,
  );
}

function hidden(value: unknown): unknown {
  return value === undefined || value === null ? value : mask;
}

function shown(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  return cutAt(JSON.stringify(excerpt(value, 200)), 200);
}
