import { editDistance } from '../platform/edit-distance.ts';
import type { FieldError } from '../platform/errors.ts';
import { allTemplates, type CompiledOutgoing } from './compile-outgoing.ts';
import type { OutgoingCondition } from './definition.ts';
import type { KnownNames } from './known-context.ts';

/**
 * The paths of templates and conditions that no event will have, each with the nearest one that there is. Only a warning:
 * a manual run, or a hook that is made later, may bring other variables.
 */
export function templateWarnings(
  compiled: CompiledOutgoing,
  conditions: OutgoingCondition[],
  known: KnownNames,
): FieldError[] {
  const named = [
    ...allTemplates(compiled).map(({ field, template, isSensitive }) => ({
      field,
      // What stands in brackets may be a literal of the user's own.
      paths: isSensitive ? template.paths().map((path) => path.slice(0, 1)) : template.paths(),
    })),
    ...conditions.map(({ path }, index) => ({
      field: `trigger_when.conditions.${index}.path`,
      paths: [path.split('.')],
    })),
  ];
  const warnings: FieldError[] = [];
  for (const { field, paths } of named) {
    const unknown = new Set(paths.filter((path) => !isKnown(path, known)).map((path) => path.join('.')));
    for (const path of unknown) {
      if (warnings.length === mostWarnings) return warnings;
      warnings.push({ field, message: warning(path.slice(0, longestPath), known) });
    }
  }
  return warnings;
}

/** Looking for the nearest name takes time, and nobody reads more. */
const mostWarnings = 20;
const longestPath = 200;

function isKnown(path: string[], known: KnownNames): boolean {
  let names: KnownNames[string] = known;
  for (const segment of path) {
    if (names === 'open') return true;
    if (names === true) return stringProperties.has(segment);
    const next: KnownNames[string] | undefined = Object.hasOwn(names, segment) ? names[segment] : undefined;
    if (next === undefined) return false;
    names = next;
  }
  return true;
}

/** What Liquid itself offers of a value. */
const stringProperties = new Set(['size', 'first', 'last']);

function warning(path: string, known: KnownNames): string {
  const all = allPaths(known);
  const distances = all.map((one) => ({ one, distance: editDistance(path, one) }));
  const nearest = distances.sort((a, b) => a.distance - b.distance)[0];
  const variables = 'action.triggered_from.hook_parsed_variables.';
  const isVariable = path.startsWith(variables);
  const ownLength = isVariable ? path.length - variables.length : path.length;
  const what = isVariable
    ? `names the variable "${path.slice(variables.length)}", which no incoming hook of the pipeline extracts`
    : `names "${path}", which no event has`;
  const isNear = nearest && nearest.distance <= Math.max(2, Math.ceil(ownLength / 3));
  return isNear ? `${what}. Did you mean "${nearest.one}"?` : `${what}.`;
}

/** Every name that there is, in full. */
export function allPaths(known: KnownNames): string[] {
  return Object.entries(known).flatMap(([name, inner]) =>
    typeof inner === 'object' ? allPaths(inner).map((path) => `${name}.${path}`) : [name],
  );
}
