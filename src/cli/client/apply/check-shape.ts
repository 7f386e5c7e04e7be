import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  visit,
  type Document,
  type LineCounter,
  type Node,
} from 'yaml';
import { editDistance } from '../../../platform/edit-distance.ts';
import type { Fault } from './faults.ts';

/** JSON Schema as far as `file-schema.ts` uses it. */
type Schema = {
  type?: string;
  enum?: unknown[];
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  patternProperties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
};

type Place = { line: number; column: number };

/** Where the larger parts of the file stand, by their paths: `applications.0`. */
export type Places = Map<string, Place>;

/** What aliases unfold counts too: a few lines of them can mean millions of values. */
const mostNodes = 200_000;
const mostLevels = 100;
/** `applications.0.pipelines.0.incoming_hooks.0`: what is further in is told by its place at once. */
const mostPlaced = 6;

/**
 * The plain value of a document, with every breach of the schema. Aliases are followed. It does not go on in what is too
 * large.
 */
export function checkShape(
  document: Document,
  lines: LineCounter,
  schema: object,
): { value: unknown; faults: Fault[]; places: Places } {
  const faults: Fault[] = [];
  const places: Places = new Map();
  const targets = aliasTargets(document);
  let nodes = 0;
  let isTooLarge = false;

  const placeOf = (node: Node | null | undefined, otherwise: Place): Place => {
    const { line, col } = node?.range ? lines.linePos(node.range[0]) : { line: 0, col: 0 };
    return line > 0 ? { line, column: col } : otherwise;
  };

  const walk = (given: unknown, rules: Schema, path: string[], around: Place): unknown => {
    // Safe: a parsed document holds nothing but nodes.
    const node = given as Node | null;
    const place = placeOf(node, around);
    if (path.length <= mostPlaced) places.set(path.join('.'), place);
    const fault = (message: string) => void faults.push({ ...place, message: `${pathText(path)}${message}` });
    if (isTooLarge) return undefined;
    nodes += 1;
    if (nodes > mostNodes || path.length > mostLevels) {
      isTooLarge = true;
      fault(
        nodes > mostNodes
          ? `the file holds more than ${mostNodes} values, those of its aliases included`
          : `is nested more than ${mostLevels} levels deep`,
      );
      return undefined;
    }
    if (isAlias(node)) {
      const target = targets.get(node);
      if (target) return walk(target, rules, path, place);
      fault(`is an alias of nothing: *${node.source}`);
      return undefined;
    }
    if (isMap(node)) return walkMap(node.items, rules, path, place, fault);
    if (isSeq(node)) return walkSeq(node.items, rules, path, place, fault);
    const value = isScalar(node) ? node.value : null;
    const problem = scalarFault(value, rules);
    if (problem !== null) fault(problem);
    return value;
  };

  const walkMap = (
    items: { key: unknown; value: unknown }[],
    given: Schema,
    path: string[],
    place: Place,
    fault: (message: string) => void,
  ): unknown => {
    const names = items.map(({ key }) => (isScalar(key) ? String(key.value) : ''));
    const rules = branchFor(given, 'object', names);
    if (!rules) {
      fault(mustBe(given));
      return undefined;
    }
    const value: Record<string, unknown> = {};
    const known = rules.properties;
    const [anyField] = Object.values(rules.patternProperties ?? {});
    for (const [index, { key, value: part }] of items.entries()) {
      const name = names[index]!;
      const at = [...path, name];
      // Safe: as above.
      const keyPlace = placeOf(key as Node | null, place);
      if (!isScalar(key)) {
        faults.push({ ...keyPlace, message: `${pathText(path)}has a key that is no text` });
        continue;
      }
      const inner = known ? (Object.hasOwn(known, name) ? known[name] : undefined) : (anyField ?? {});
      if (!inner) {
        faults.push({
          ...keyPlace,
          message: `${pathText(at)}is not known${hint(name, Object.keys(known ?? {}))}`,
        });
        continue;
      }
      const read = walk(part, inner, at, keyPlace);
      // An assignment would change the prototype of a key `__proto__`.
      Object.defineProperty(value, name, {
        value: read,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    const missing = (rules.required ?? []).filter((name) => !names.includes(name));
    for (const name of missing) fault(`needs ${name}`);
    return value;
  };

  const walkSeq = (
    items: unknown[],
    given: Schema,
    path: string[],
    place: Place,
    fault: (message: string) => void,
  ): unknown => {
    const rules = branchFor(given, 'array', []);
    if (!rules) {
      fault(mustBe(given));
      return undefined;
    }
    if (items.length < (rules.minItems ?? 0)) fault(`must have at least ${rules.minItems} items`);
    if (items.length > (rules.maxItems ?? Number.POSITIVE_INFINITY))
      fault(`must have at most ${rules.maxItems} items`);
    return items.map((item, index) => walk(item, rules.items ?? {}, [...path, String(index)], place));
  };

  // Safe: what TypeBox makes is JSON Schema.
  const value = walk(document.contents, schema as Schema, [], { line: 1, column: 1 });
  return { value, faults, places };
}

/** What each alias stands for: the last node before it with that anchor. */
function aliasTargets(document: Document): Map<Node, Node> {
  const anchors = new Map<string, Node>();
  const targets = new Map<Node, Node>();
  visit(document, (_, node) => {
    if (isAlias(node)) {
      const target = anchors.get(node.source);
      if (target) targets.set(node, target);
    } else if (isNode(node) && 'anchor' in node && node.anchor) anchors.set(node.anchor, node);
  });
  return targets;
}

/** `applications[0].name ` */
function pathText(path: string[]): string {
  const text = path.map((part) => (/^\d+$/.test(part) ? `[${part}]` : `.${part}`)).join('');
  return text === '' ? '' : `${text.slice(1)} `;
}

/** Of a union the part that is meant; of several objects the one whose fields are there. */
function branchFor(rules: Schema, type: 'object' | 'array', names: string[]): Schema | undefined {
  if (isAnything(rules)) return rules;
  const fitting = (rules.anyOf ?? [rules]).flatMap((one) => (one.anyOf ? one.anyOf : [one]));
  const ofType = fitting.filter((one) => one.type === type || isAnything(one));
  return ofType.find(({ properties }) => names.some((name) => properties?.[name])) ?? ofType[0];
}

function isAnything(rules: Schema): boolean {
  return rules.type === undefined && rules.anyOf === undefined && rules.enum === undefined;
}

function scalarFault(value: unknown, rules: Schema): string | null {
  if (isAnything(rules)) return null;
  const branches = (rules.anyOf ?? [rules]).flatMap((one) => one.anyOf ?? [one]);
  const ofType = branches.filter((one) => isAnything(one) || hasType(value, one.type));
  if (ofType.length === 0) return mustBe(rules, value);
  const problems = ofType.map((one) => valueFault(value, one));
  return problems.includes(null) ? null : problems[0]!;
}

function hasType(value: unknown, type: string | undefined): boolean {
  if (type === 'integer') return Number.isSafeInteger(value);
  if (type === 'null') return value === null;
  return typeof value === type && value !== null;
}

function valueFault(value: unknown, rules: Schema): string | null {
  if (rules.enum && !rules.enum.includes(value))
    return `must be one of ${rules.enum.join(', ')}${hint(String(value), rules.enum.map(String))}`;
  if (typeof value === 'string') {
    if (value.length < (rules.minLength ?? 0)) return 'must not be empty';
    if (value.length > (rules.maxLength ?? Number.POSITIVE_INFINITY))
      return `must not have more than ${rules.maxLength} characters`;
    if (rules.pattern !== undefined && !new RegExp(rules.pattern, 'u').test(value))
      return `must match ${rules.pattern}`;
  }
  if (typeof value === 'number') {
    if (value < (rules.minimum ?? -Infinity)) return `must be at least ${rules.minimum}`;
    if (value > (rules.maximum ?? Infinity)) return `must be at most ${rules.maximum}`;
  }
  return null;
}

const typeNames: Record<string, string> = {
  string: 'a text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  null: 'null',
};

function mustBe(rules: Schema, value?: unknown): string {
  const branches = (rules.anyOf ?? [rules]).flatMap((one) => one.anyOf ?? [one]);
  const names = branches
    .filter(({ type }) => type !== 'null' || branches.length === 1)
    .map(({ type = '', properties }) =>
      type === 'object' ? objectText(properties) : (typeNames[type] ?? type),
    );
  const text = `must be ${[...new Set(names)].join(' or ')}`;
  const isNumberForText =
    ['number', 'boolean'].includes(typeof value) && branches.some(({ type }) => type === 'string');
  return isNumberForText ? `${text}: put it in quotes, "${String(value)}"` : text;
}

/** `{ env: … }` of what has one or two fields. */
function objectText(properties: Record<string, Schema> | undefined): string {
  const names = Object.keys(properties ?? {});
  return names.length > 0 && names.length <= 2
    ? `{ ${names.map((name) => `${name}: …`).join(', ')} }`
    : 'a map';
}

/** What is further away is another word. */
const mostSteps = 3;

function hint(name: string, names: string[]): string {
  const [best] = names
    .filter((one) => Math.abs(one.length - name.length) <= mostSteps)
    .map((one) => ({ one, steps: editDistance(name.toLowerCase(), one.toLowerCase()) }))
    .filter(
      ({ one, steps }) =>
        steps <= Math.max(1, Math.min(mostSteps, one.length / 3)) || sorted(one) === sorted(name),
    )
    .sort((a, b) => a.steps - b.steps);
  return best ? `; is ${best.one} meant?` : '';
}

/** Letters that have changed places are two steps apart, but a slip of the fingers. */
function sorted(text: string): string {
  return [...text.toLowerCase()].toSorted().join('');
}
