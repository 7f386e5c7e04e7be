import type { HookVariable, IncomingCondition } from '#sdk';
import { isSensitiveName } from '../../../hooks/sensitive-headers.ts';
import { conditionsOf } from './conditions.ts';
import { decided, literalsOf, type Formula, type Literal } from './formula.ts';
import { placeOf, readParameter, type Parameter } from './places.ts';
import type { Located } from './read-hooks.ts';
import { readRule } from './rules.ts';
import { literalVariable, scriptOf, type StepParts, type Value } from './script.ts';
import { resolveText, wholeReference, type Reference, type References } from './templates.ts';

/* One hook of webhook as a pipeline and an incoming hook of Hookline. */

export type Note = {
  line: number;
  /** The key of webhook's file that this is about. */
  field: string;
  /** `missing`: there is no counterpart. */
  kind: 'missing' | 'differs';
  /** The hook is made, but inactive: as it is, it would run something else, or for somebody else. */
  blocks: boolean;
  text: string;
};

/** What stood in the file, or where it is kept. Never to be shown. */
export type Secret = { text: string } | Reference;

export type ImportedHook = {
  id: string;
  line: number;
  notes: Note[];
  active: boolean;
  hasProgram: boolean;
  /** A step's script. */
  command: string;
  signature: {
    signature_scheme: 'hmac' | 'gitlab-token';
    secret_algorithm: 'sha1' | 'sha256' | 'sha512';
    secret_header_name: string;
    /** Null: Hookline makes one. */
    secret: Secret | null;
  } | null;
  variables: HookVariable[];
  conditions: IncomingCondition[];
};

export type Surroundings = {
  references: References;
  env: Record<string, string | undefined>;
  /** A file is to be written, in which no secret may stand. */
  toFile: boolean;
};

const texts = [
  'id',
  'execute-command',
  'command-working-directory',
  'response-message',
  'incoming-payload-content-type',
] as const;
const lists = [
  'response-headers',
  'http-methods',
  'parse-parameters-as-json',
  'pass-arguments-to-command',
  'pass-environment-to-command',
  'pass-file-to-command',
] as const;
const others = [
  'success-http-response-code',
  'include-command-output-in-response',
  'include-command-output-in-response-on-error',
  'trigger-rule',
  'trigger-rule-mismatch-http-response-code',
  'trigger-signature-soft-failures',
] as const;
const known = new Set<string>([...texts, ...lists, ...others]);
const ofParameters = new Set(['source', 'name', 'envname', 'base64decode']);

export function convertHook(given: Located, surroundings: Surroundings): ImportedHook {
  const notes: Note[] = [];
  const note = (
    at: Located | number,
    field: string,
    kind: Note['kind'],
    text: string,
    blocks = false,
  ): void => void notes.push({ line: typeof at === 'number' ? at : at.line, field, kind, text, blocks });
  const hook = withoutMarks(given, surroundings, (line, field) =>
    note(line, field, 'missing', 'The template names a variable or a file that is not there now.', true),
  );
  const fields = hook.fields ?? new Map<string, Located & { key: string }>();
  const textOf = (name: string) => fields.get(name)?.text ?? '';
  const id = textOf('id');
  if (id === '') note(hook, 'id', 'missing', 'webhook takes no hook without an id.', true);
  tellOfAnswers(fields, note);
  for (const [name, field] of fields)
    if (!known.has(name)) note(field, field.key, 'missing', 'webhook does not know this key either.');

  checkTypes(fields, note);

  const parsed = readParsed(fields.get('parse-parameters-as-json'), note);
  const variables = createVariables();
  const valueOf = (parameter: Parameter, field: string): Value => {
    const place = placeOf(parameter, parsed);
    const what = `${parameter.source} ${parameter.name}`.trim();
    if (/^(?:header|url|query|payload)$/.test(parameter.source) && parameter.name === '')
      note(
        parameter.line,
        field,
        'differs',
        `${what}: without a name there is nothing to be found, here as there.`,
      );
    if (place.kind === 'constant') return { kind: 'text', text: place.text };
    if (place.kind === 'none') {
      note(parameter.line, field, 'missing', `${what}: ${place.why}. The program gets nothing for it.`, true);
      return { kind: 'text', text: '' };
    }
    if (place.differs) note(parameter.line, field, 'differs', `${what}: ${place.differs}.`);
    if (place.paths[0] === '$body')
      note(parameter.line, field, 'differs', `${what}: a body of more than 64 KiB is refused with 422.`);
    if (/^(?:header|url|query)$/.test(parameter.source) && isSensitiveName(parameter.name))
      note(
        parameter.line,
        field,
        'differs',
        `${what}: values of variables are shown wherever the action is; let this hold no secret.`,
      );
    return { kind: 'variable', name: variables.of(parameter, place.paths) };
  };

  const parts: StepParts = {
    command: textOf('execute-command'),
    folder: textOf('command-working-directory'),
    arguments: parametersOf(fields.get('pass-arguments-to-command')).map((one) =>
      valueOf(one, 'pass-arguments-to-command'),
    ),
    environment: parametersOf(fields.get('pass-environment-to-command')).map((one) => ({
      name: one.envName || `HOOK_${one.name}`,
      value: valueOf(one, 'pass-environment-to-command'),
    })),
    files: parametersOf(fields.get('pass-file-to-command')).map((one) => ({
      name: one.envName || `HOOK_${one.name.toUpperCase()}`,
      value: valueOf(one, 'pass-file-to-command'),
      base64: one.base64,
    })),
    rule: null,
  };
  checkProgram(parts, fields, note);

  const rule = fields.get('trigger-rule');
  const read: Formula = rule?.fields
    ? readRule(rule, parsed, (line, text) => note(line, 'trigger-rule', 'differs', `${text}.`))
    : { op: 'constant', is: true };
  const { formula, signature } = takeSignature(read, {
    note,
    surroundings,
    soft: fields.get('trigger-signature-soft-failures')?.value === true,
  });
  const possible = withoutUnknown(formula, note);
  const kept = surroundings.toFile ? withoutWrittenSecrets(possible, note) : possible;
  const { conditions, rest } = conditionsOf(kept);
  if (rest) {
    parts.rule = rest;
    if (isNever(rest))
      note(rule ?? hook, 'trigger-rule', 'differs', 'It is never met, as far as Hookline can tell.', true);
    else
      note(
        rule ?? hook,
        'trigger-rule',
        'differs',
        'An "or" over several parameters is looked at in the step: where it is not met the action completes without having run anything, rather than being skipped.',
      );
  }
  const ofRule = (literal: Literal) => variables.ofLiteral(literal);
  const command = scriptOf(parts, ofRule);
  if (!signature)
    note(
      rule ?? hook,
      'trigger-rule',
      'differs',
      'No signature is asked for, here as there: whoever knows the address can send.',
    );
  return {
    id,
    line: hook.line,
    notes: notes.sort((one, other) => one.line - other.line),
    active: !notes.some(({ blocks }) => blocks),
    hasProgram: parts.command !== '',
    command,
    signature,
    variables: variables.all,
    conditions,
  };
}

type Tell = (at: Located | number, field: string, kind: Note['kind'], text: string, blocks?: boolean) => void;
type Fields = Map<string, Located & { key: string }>;

/** What webhook would answer, and Hookline answers in its own way. */
function tellOfAnswers(fields: Fields, note: Tell): void {
  const rows: [field: string, text: string][] = [
    ['response-message', 'The answer is {"message": "Accepted as action …", …}.'],
    ['response-headers', 'The answer has no headers of your own.'],
    ['success-http-response-code', 'The answer is 202.'],
    [
      'include-command-output-in-response',
      'The answer comes before the program runs, and does not wait for it; its output is in the action, and an outgoing hook can send what came of it.',
    ],
    ['include-command-output-in-response-on-error', 'The answer comes before the program runs.'],
    [
      'trigger-rule-mismatch-http-response-code',
      'Where the rule is not met the answer is 200 with the reason, and 401 where the signature is wrong.',
    ],
  ];
  for (const [name, text] of rows) {
    const field = fields.get(name);
    if (field && field.value !== false) note(field, field.key, 'missing', text);
  }
  const methods = fields.get('http-methods');
  const allowed = (methods?.items ?? []).map(({ text }) => (text ?? '').trim().toUpperCase());
  const others = allowed.filter((method) => method !== 'POST');
  if (methods && allowed.length > 0 && !allowed.includes('POST'))
    note(methods, methods.key, 'missing', `Hookline takes POST alone, and not ${others.join(', ')}.`, true);
  else if (methods && others.length > 0)
    note(methods, methods.key, 'differs', `Hookline takes POST alone: ${others.join(', ')} is answered 405.`);
  const type = fields.get('incoming-payload-content-type');
  if (type && !/json|x-www-form-urlencoded/.test(type.text ?? ''))
    note(
      type,
      type.key,
      'missing',
      `Hookline reads JSON and forms, and answers ${type.text} with 415.`,
      true,
    );
  else if (type)
    note(
      type,
      type.key,
      'differs',
      'Hookline goes by the header and by what the body begins with: JSON is read as JSON without a content type, or sent as a form; another content type is answered 415.',
    );
}

/** What webhook could not read as what it must be, it would not start with. */
function checkTypes(fields: Fields, note: Tell): void {
  const wrong = (field: Located & { key: string }, what: string) =>
    note(field, field.key, 'missing', `It must be ${what}; webhook does not start with it.`, true);
  for (const name of texts) {
    const field = fields.get(name);
    if (field && field.text === null && (field.items || field.fields)) wrong(field, 'a text');
  }
  for (const name of lists) {
    const field = fields.get(name);
    if (!field || (field.text === null && !field.items && !field.fields)) continue;
    if (!field.items) {
      wrong(field, 'a list');
      continue;
    }
    if (name === 'http-methods') continue;
    for (const item of field.items) {
      if (!item.fields)
        note(item, field.key, 'missing', 'It must be an object; webhook does not start with it.', true);
      else if (name !== 'response-headers') tellUnknownKeys(item, field.key, note);
    }
  }
  const rule = fields.get('trigger-rule');
  if (rule && !rule.fields && rule.value !== null) wrong(rule, 'an object');
}

function tellUnknownKeys(parameter: Located, field: string, note: Tell): void {
  for (const [name, { line, key }] of parameter.fields ?? [])
    if (!ofParameters.has(name))
      note(line, field, 'missing', `${key}: webhook does not know this key either.`);
}

/** Names of the payload that are JSON in a text. */
function readParsed(field: (Located & { key: string }) | undefined, note: Tell): Set<string> {
  const names = new Set<string>();
  for (const { source, name, line } of parametersOf(field)) {
    if (source === 'payload') names.add(name);
    else
      note(
        line,
        'parse-parameters-as-json',
        'missing',
        `${source} ${name}: Hookline does not look into JSON there; the text as a whole can be passed.`,
      );
  }
  return names;
}

function parametersOf(field: Located | undefined): Parameter[] {
  return (field?.items ?? []).map(readParameter);
}

function checkProgram({ command, folder }: StepParts, fields: Fields, note: Tell): void {
  const field = fields.get('execute-command');
  if (!field || command === '')
    note(field ?? 0, 'execute-command', 'missing', 'webhook takes no hook without it.', true);
  else if (!folder && command.includes('/') && !command.startsWith('/'))
    note(
      field,
      field.key,
      'missing',
      'A path that begins in the folder webhook was started in: Hookline has none of the kind. Give the whole path.',
      true,
    );
  else if (command.includes(' '))
    note(field, field.key, 'differs', 'Taken as the path of one program, spaces included, as webhook does.');
  if (folder && !folder.startsWith('/'))
    note(
      fields.get('command-working-directory') ?? 0,
      'command-working-directory',
      'missing',
      'A folder relative to the one webhook was started in: give the whole path.',
      true,
    );
}

/**
 * Takes one signature out of the rule for the hook to ask for: what is left is what must hold besides. Asking for it where
 * webhook would have been content with less is stricter, and told.
 */
function takeSignature(
  rule: Formula,
  { note, surroundings, soft }: { note: Tell; surroundings: Surroundings; soft: boolean },
): { formula: Formula; signature: ImportedHook['signature'] } {
  const strength = { sha1: 1, sha256: 2, sha512: 3 };
  const signatures = literalsOf(rule)
    .flatMap((literal) => (literal.kind === 'signature' ? [literal] : []))
    .filter(({ secret }) => secret !== '')
    .sort((one, other) => strength[other.algorithm] - strength[one.algorithm] || one.line - other.line);
  const [chosen] = signatures;
  if (!chosen) return takeToken(rule, { note, surroundings });
  const isChosen = (literal: Literal) =>
    literal.kind === 'signature' &&
    literal.secret === chosen.secret &&
    literal.algorithm === chosen.algorithm &&
    literal.header === chosen.header;
  // A wrong signature ends the evaluation of webhook with an error, also behind a `not`.
  const when = (is: boolean, others: boolean) =>
    decided(rule, (literal, isNegated) => {
      if (literal.kind !== 'signature') return null;
      if (isNegated) return false;
      return isChosen(literal) ? is : others;
    });
  let formula = when(true, false);
  if (isNever(formula)) {
    formula = when(true, true);
    const dropped = signatures.filter((one) => !isChosen(one));
    for (const { line, header } of dropped)
      note(
        line,
        'trigger-rule',
        'differs',
        `Of several signatures one is checked, that in ${chosen.header}; not also that in ${header}.`,
      );
  } else {
    const others = new Set(signatures.filter((one) => !isChosen(one)).map(({ line }) => line));
    for (const line of others)
      note(
        line,
        'trigger-rule',
        'differs',
        'Of several secrets the first is taken; what is signed with this one is answered 401. To change a secret in peace there is rotate-secret, which accepts both for a while.',
      );
  }
  if (!isNever(when(false, false)))
    note(
      chosen.line,
      'trigger-rule',
      'differs',
      'Stricter: every request needs the signature, also where webhook is content without.',
    );
  if (soft)
    note(
      chosen.line,
      'trigger-signature-soft-failures',
      'differs',
      'A wrong signature is always answered 401.',
    );
  return {
    formula,
    signature: {
      signature_scheme: 'hmac',
      secret_algorithm: chosen.algorithm,
      secret_header_name: chosen.header,
      secret: takenSecret(chosen.secret, chosen.line, { note, surroundings }),
    },
  };
}

/** A header that must hold a token, as GitLab sends it, is a signature of that kind. */
function takeToken(
  rule: Formula,
  { note, surroundings }: { note: Tell; surroundings: Surroundings },
): { formula: Formula; signature: ImportedHook['signature'] } {
  const needed = (rule.op === 'and' ? rule.of : [rule]).flatMap((one) =>
    one.op === 'literal' && !one.isNegated && one.literal.kind === 'value' ? [one.literal] : [],
  );
  const token = needed.find(
    ({ parameter }) =>
      parameter.source === 'header' &&
      /^[A-Za-z0-9-]{1,64}$/.test(parameter.name) &&
      // Somebody else may send along what is meant for a proxy.
      isSensitiveName(parameter.name) &&
      parameter.name.toLowerCase() !== 'authorization',
  );
  if (!token) return { formula: rule, signature: null };
  return {
    formula: decided(rule, (literal) => (literal === token ? true : null)),
    signature: {
      signature_scheme: 'gitlab-token',
      secret_algorithm: 'sha256',
      secret_header_name: token.parameter.name.toLowerCase(),
      secret: takenSecret(token.value, token.parameter.line, { note, surroundings }),
    },
  };
}

function takenSecret(
  text: string,
  line: number,
  { note, surroundings }: { note: Tell; surroundings: Surroundings },
): Secret | null {
  const reference = wholeReference(text, surroundings.references);
  if (reference) return reference;
  const whole = resolveText(text, surroundings.references, surroundings.env) ?? text;
  if (whole.length >= 8) return { text: whole };
  note(
    line,
    'trigger-rule',
    'missing',
    'The secret has fewer than 8 characters, which Hookline does not take. The hook gets a new one: have it shown with rotate-secret, give it to the sender, and switch the hook on.',
    true,
  );
  return null;
}

/** What Hookline cannot tell is taken for not so; where nothing could ever run then, for so, and the hook is inactive. */
function withoutUnknown(formula: Formula, note: Tell): Formula {
  const unknown = literalsOf(formula).flatMap((literal) => (literal.kind === 'unknown' ? [literal] : []));
  if (unknown.length === 0) return formula;
  const strict = decided(formula, (literal) => (literal.kind === 'unknown' ? false : null));
  const blocks = isNever(strict);
  const told = new Set<number>();
  for (const { line, what, why } of unknown) {
    if (told.has(line)) continue;
    told.add(line);
    const effect = blocks ? '' : ' It is taken for not met, which is stricter.';
    note(line, 'trigger-rule', 'missing', `${what}: ${why}.${effect}`, blocks);
  }
  return blocks ? decided(formula, (literal) => (literal.kind === 'unknown' ? true : null)) : strict;
}

/** A token in the address, say. A condition of a file would show it. */
function withoutWrittenSecrets(formula: Formula, note: Tell): Formula {
  const told = new Set<number>();
  return decided(formula, (literal) => {
    if (literal.kind !== 'value' && literal.kind !== 'regex') return null;
    const { source, name, line } = literal.parameter;
    if (source === 'payload' ? !/token|secret|password/i.test(name) : !isSensitiveName(name)) return null;
    if (!told.has(line))
      note(
        line,
        'trigger-rule',
        'missing',
        `${source} ${name}: a file cannot name the secret it is compared with. Import without -o, or have the sender sign.`,
        true,
      );
    told.add(line);
    return true;
  });
}

function isNever(formula: Formula): boolean {
  return formula.op === 'constant' && !formula.is;
}

const reserved = new Set(['source_type', 'source_ref', 'branch', 'commit_hash', 'pipeline_id']);

/** Each place once, under a name that says where it is. */
function createVariables() {
  const all: HookVariable[] = [];
  const names = new Map<string, string>();
  let rules = 0;
  const free = (wanted: string) => {
    const plain = wanted
      .replaceAll(/[^A-Za-z0-9]+/g, '_')
      .replace(/^_+|_+$/g, '')
      .toLowerCase()
      .slice(0, 50);
    const named = plain === '' || /^\d/.test(plain) || reserved.has(plain) ? `value_${plain}` : plain;
    let name = named;
    for (let count = 2; all.some((one) => one.name === name); count++) name = `${named}_${count}`;
    return name;
  };
  return {
    all,
    of({ source, name }: Parameter, paths: [string, ...string[]]): string {
      const key = JSON.stringify(paths);
      const before = names.get(key);
      if (before !== undefined) return before;
      const [path, ...fallback_paths] = paths;
      const wanted = path === '$body' ? 'body' : source === 'payload' ? name : `${source}_${name}`;
      const variable: HookVariable = {
        name: free(wanted),
        path,
        ...(fallback_paths.length > 0 ? { fallback_paths } : {}),
        type: 'string',
        // Numbers, lists and objects are passed as text too.
        ...(source === 'payload' ? { transform: { json: true } } : {}),
      };
      all.push(variable);
      names.set(key, variable.name);
      return variable.name;
    },
    ofLiteral(literal: Literal): string {
      const key = JSON.stringify(literal);
      const before = names.get(key);
      if (before !== undefined) return before;
      const variable = literalVariable(literal, free(`rule_${++rules}`));
      all.push(variable);
      names.set(key, variable.name);
      return variable.name;
    },
  };
}

/** The same with what templates name filled in, apart from secrets. */
function withoutMarks(
  located: Located,
  surroundings: Surroundings,
  missing: (line: number, field: string) => void,
  field = '',
): Located {
  const { text, fields, items } = located;
  if (text !== null && field !== 'secret') {
    const resolved = resolveText(text, surroundings.references, surroundings.env);
    if (resolved === null) missing(located.line, field);
    return { ...located, text: resolved ?? '' };
  }
  const parameter = fields?.get('parameter');
  const isToken =
    parameter?.fields?.get('source')?.text === 'header' &&
    isSensitiveName(parameter.fields.get('name')?.text ?? '');
  return {
    ...located,
    items: items && items.map((one) => withoutMarks(one, surroundings, missing, field)),
    fields:
      fields &&
      new Map(
        [...fields].map(([name, one]) => {
          const as = name === 'value' && isToken ? 'secret' : name;
          return [name, { ...withoutMarks(one, surroundings, missing, as), key: one.key }];
        }),
      ),
  };
}
