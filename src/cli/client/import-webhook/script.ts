import { orAnything } from './conditions.ts';
import type { Formula, Literal } from './formula.ts';
import type { HookVariable } from '#sdk';

/* The step that does what webhook would: the same program, with the same arguments, environment and files. */

/** Something that the script takes from the request, or knows already. */
export type Value = { kind: 'variable'; name: string } | { kind: 'text'; text: string };

export type StepParts = {
  command: string;
  /** '' for none. */
  folder: string;
  arguments: Value[];
  environment: { name: string; value: Value }[];
  files: { name: string; value: Value; base64: boolean }[];
  /** What of the rule is looked at here. */
  rule: Formula | null;
};

/** `nameOf` gives the variable of a literal of the rule. */
export function scriptOf(parts: StepParts, nameOf: (literal: Literal) => string): string {
  const lines: string[] = [];
  if (parts.rule) {
    lines.push(
      '# What of the trigger rule no condition of a hook can say.',
      `if ! ${testOf(parts.rule, nameOf)}; then`,
      '  echo "The trigger rule is not met: nothing is run."',
      '  exit 0',
      'fi',
    );
  }
  if (parts.folder) lines.push(`cd -- ${quote(parts.folder)}`);
  const hasEnvironment = parts.environment.length + parts.files.length > 0;
  if (hasEnvironment) lines.push('environment=()');
  for (const { name, value } of parts.environment) {
    const entry = `environment+=(${assignment(name, value)})`;
    // As webhook leaves out what is not there.
    lines.push(value.kind === 'variable' ? `[ -z ${textOf(value)} ] || ${entry}` : entry);
  }
  if (parts.files.length > 0) lines.push('files=()', `trap 'rm -f -- "\${files[@]}"' EXIT`);
  for (const { name, value, base64 } of parts.files) {
    const folder = parts.folder ? '"$PWD"' : '"${TMPDIR:-/tmp}"';
    const body = [
      `  file=$(mktemp ${folder}/${quote(`${name.replaceAll(/[^A-Za-z0-9_.-]/g, '_')}.XXXXXXXXXX`)})`,
      '  files+=("$file")',
      `  printf '%s' ${textOf(value)} ${base64 ? '| base64 -d ' : ''}>"$file"`,
      `  environment+=(${quote(`${name}=`)}"$file")`,
    ];
    if (value.kind === 'variable') lines.push(`if [ -n ${textOf(value)} ]; then`, ...body, 'fi');
    else lines.push(...body.map((line) => line.trimStart()));
  }
  const program = programOf(parts);
  const words = [
    // Without a path it may be the name of something that the shell has itself.
    ...(hasEnvironment || !program.includes('/') ? ['env'] : []),
    ...(hasEnvironment ? ['"${environment[@]}"'] : []),
    program,
    ...parts.arguments.map(textOf),
  ];
  lines.push(words.join(' '));
  return `${lines.join('\n')}\n`;
}

/** With a folder webhook looks for a relative program there, and in `PATH` otherwise. */
function programOf({ command, folder }: StepParts): string {
  return quote(folder && !command.startsWith('/') ? `./${command}` : command);
}

function textOf(value: Value): string {
  return value.kind === 'text' ? quote(value.text) : `"$HOOKLINE_VAR_${value.name.toUpperCase()}"`;
}

function assignment(name: string, value: Value): string {
  if (value.kind === 'text') return quote(`${name}=${value.text}`);
  const variable = textOf(value);
  return /^[\w.-]+$/.test(name) ? `"${name}=${variable.slice(1)}` : `${quote(`${name}=`)}${variable}`;
}

function quote(text: string): string {
  return /^[A-Za-z0-9_./:@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function testOf(formula: Formula, nameOf: (literal: Literal) => string): string {
  switch (formula.op) {
    case 'constant':
      return formula.is ? 'true' : 'false';
    case 'literal': {
      const name = `HOOKLINE_VAR_${nameOf(formula.literal).toUpperCase()}`;
      return `[ ${formula.isNegated ? '-z' : '-n'} "$${name}" ]`;
    }
    case 'and':
    case 'or': {
      const parts = formula.of.map((one) => testOf(one, nameOf));
      return `{ ${parts.join(formula.op === 'and' ? ' && ' : ' || ')}; }`;
    }
    default:
      return formula satisfies never;
  }
}

/** A variable that holds something exactly when the literal is true. */
export function literalVariable(literal: Literal, name: string): HookVariable {
  if (literal.kind === 'signature' || literal.kind === 'unknown') throw new Error('is no value of a request');
  const [path, ...fallback_paths] = literal.place.paths;
  const capture = {
    present: () => '(?s)^.*$',
    value: () => `(?s)^${literal.kind === 'value' ? escape(literal.value) : ''}$`,
    regex: () => `(${literal.kind === 'regex' ? orAnything(literal.regex) : ''})`,
  }[literal.kind]();
  return {
    name,
    path,
    ...(fallback_paths.length > 0 ? { fallback_paths } : {}),
    type: 'string',
    // A match may be of nothing.
    transform: { json: true, capture, map: { '': '-' } },
  };
}

function escape(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
