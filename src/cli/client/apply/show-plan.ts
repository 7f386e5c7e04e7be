import { stringify } from 'yaml';
import { plain } from '../io.ts';
import type { Output } from '../output.ts';
import { mask, type Actual } from './fetch-environment.ts';
import { kinds } from './kinds.ts';
import { lineDiff } from './line-diff.ts';
import type { Change, FieldChange, Plan } from './plan.ts';
import { Reference } from './references.ts';

const signs = { create: '+', update: '~', delete: '-' } as const;
const colours = { create: 'green', update: 'yellow', delete: 'red' } as const;

/** The plan for people: what is made, changed and deleted, field by field. */
export function planLines(plan: Plan, { colour }: Pick<Output, 'colour'>): string[] {
  const lines: string[] = [];
  for (const change of plan.changes) {
    const { action, address, renamedFrom, notes } = change;
    const sign = signs[action];
    const name = renamedFrom === null ? '' : ` (was ${renamedFrom})`;
    lines.push(colour(`${sign} ${plain(address)}${plain(name)}${alongText(change)}`, colours[action]));
    lines.push(...notes.map((note) => `    ${plain(note)}`));
    const isOfFile = ({ field }: FieldChange) => change.desired?.fields[field] !== undefined;
    const isCaused = change.changes.some(isOfFile);
    for (const one of change.changes) {
      // What follows from a change that is shown need not be read; alone it is what somebody has changed by hand.
      if (action === 'update' && isCaused && change.fields['preset'] && !isOfFile(one))
        lines.push(`    ${colour('~', 'yellow')} ${one.field}: made anew by the preset`);
      else lines.push(...fieldLines(one, change, colour));
    }
  }
  if (plan.changes.length > 0) lines.push('');
  return lines;
}

const mostNames = 4;

/** Sentences below the plan. */
export function planNotes(plan: Plan): string[] {
  const { kept, notInFile, warnings, resent } = plan;
  const notes = warnings.map((warning) => `Warning: ${plain(warning)}`);
  if (kept.length > 0) {
    const names = [...new Set(kept.map(({ reference }) => reference.text))].map(plain);
    notes.push(
      `${countText(kept.length, 'secret')} ${kept.length === 1 ? 'stays as it is' : 'stay as they are'} stored, as nobody is shown them: ${names.slice(0, mostNames).join(', ')}${names.length > mostNames ? ` and ${names.length - mostNames} more` : ''}. --set-secrets sends those that are set.`,
    );
  }
  if (resent > 0)
    notes.push(
      `${countText(resent, 'secret')} will be set; whether they differ from what is stored is not known.`,
    );
  if (notInFile.length > 0) {
    notes.push(
      `Not in the file, and left alone (--prune deletes ${notInFile.length === 1 ? 'it' : 'them'}):`,
      ...notInFile.map(({ address }) => `  ${plain(address)}`),
    );
  }
  return notes;
}

/** `2 to create, 1 to change, 0 to delete`, or what was done of it. */
export function summary(changes: Change[], words = ['to create', 'to change', 'to delete']): string {
  return (['create', 'update', 'delete'] as const)
    .map((action, at) => `${changes.filter((one) => one.action === action).length} ${words[at]}`)
    .join(', ');
}

/** The plan for programs. Secrets are references, or masked. */
export function planAsJson(plan: Plan) {
  return {
    changes: plan.changes.map((change) => ({
      action: change.action,
      kind: change.kind,
      resource: change.address,
      name: change.desired?.name ?? change.actual?.name,
      was: change.renamedFrom,
      fields: change.changes,
      deletes_also: change.along.map(({ address }) => address),
    })),
    kept_secrets: plan.kept.map(({ address, reference }) => ({ resource: address, reference })),
    not_in_file: plan.notInFile.map(({ address }) => address),
    warnings: plan.warnings,
  };
}

function alongText({ along }: Change): string {
  if (along.length === 0) return '';
  const counts = Map.groupBy(along, ({ kind }: Actual) => kind);
  const parts = [...counts].map(([kind, all]) => countText(all.length, kinds[kind].label));
  return `, and with it ${parts.join(', ')}`;
}

function countText(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function fieldLines(
  { field, from, to }: FieldChange,
  { action }: Change,
  colour: Output['colour'],
): string[] {
  const before = from === undefined ? null : shown(from);
  const after = shown(to);
  const isSecretSent = to instanceof Reference && to.value !== undefined;
  if (action === 'create') {
    const [first = '', ...others] = blockOf(after);
    if (others.length === 0) return [colour(`    + ${field}: ${first}`, 'green')];
    return [`    + ${field}:`, ...[first, ...others].map((line) => `        ${line}`)].map((line) =>
      colour(line, 'green'),
    );
  }
  if (isSecretSent) return [`    ~ ${field}: will be set, from ${plain(to.text)}`];
  const [old, now] = [blockOf(before), blockOf(after)];
  if (old.length === 1 && now.length === 1) {
    return [`    ${colour('~', 'yellow')} ${field}: ${colour(old[0]!, 'red')} → ${colour(now[0]!, 'green')}`];
  }
  const lines = lineDiff(old.join('\n'), now.join('\n')).map(({ sign, text }) => {
    const line = `      ${sign} ${text}`;
    return sign === ' ' ? line.trimEnd() : colour(line, sign === '+' ? 'green' : 'red');
  });
  return [`    ${colour('~', 'yellow')} ${field}:`, ...lines];
}

/** In place of a secret stands where it comes from. */
function shown(value: unknown): unknown {
  if (value instanceof Reference) return `(secret from ${value.text})`;
  if (value === mask) return '(secret)';
  if (Array.isArray(value)) return value.map(shown);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, shown(one)]));
}

/** As YAML, each line without what a terminal would take as a command. */
function blockOf(value: unknown): string[] {
  const isShort = !Array.isArray(value) || value.every((one) => typeof one !== 'object' || one === null);
  const text =
    typeof value === 'string'
      ? value
      : stringify(value, { lineWidth: 0, collectionStyle: isShort && Array.isArray(value) ? 'flow' : 'any' });
  const lines = text.replace(/\n$/, '').split('\n').map(plain);
  return lines.length === 1 && lines[0] === '' ? ['""'] : lines;
}
