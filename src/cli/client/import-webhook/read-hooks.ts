import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml';

/** What is wrong with the file itself. */
export type Fault = { line: number; message: string };

/** A value of the file that knows where it stands. */
export type Located = {
  line: number;
  /** The text of a scalar as webhook would take it; null for lists and objects. */
  text: string | null;
  value: string | number | boolean | null | undefined;
  /** By its key in lower case: webhook, being written in Go, takes any. */
  fields: Map<string, Located & { key: string }> | null;
  items: Located[] | null;
};

/** The hooks of a file in JSON or YAML, which webhook reads alike. */
export function readHooks(text: string): { hooks: Located[]; faults: Fault[] } {
  const lines = new LineCounter();
  // Tabs between the brackets of JSON are spaces; as indentation YAML does not take them.
  const document = parseDocument(text.replaceAll(/^[ \t]+/gm, untabbed), {
    lineCounter: lines,
    uniqueKeys: false,
  });
  const faults = document.errors.map(({ message, pos }) => ({
    line: lines.linePos(pos[0]).line,
    message: message.split('\n')[0]!.replace(/ at line \d+, column \d+:?$/, ''),
  }));
  if (faults.length > 0) return { hooks: [], faults };
  // Safe: what was parsed, or null where it is empty.
  const root = locate(document.contents as Node | null, { lines, document, left: mostNodes }, 0);
  if (root === null)
    return { hooks: [], faults: [{ line: 1, message: 'The file is too large, or nested too deeply.' }] };
  if (!root.items)
    return {
      hooks: [],
      faults: [{ line: 1, message: 'The file must be a list of hooks, as webhook has it.' }],
    };
  const strange = root.items.filter(({ fields }) => !fields);
  return {
    hooks: root.items.filter(({ fields }) => fields),
    faults: strange.map(({ line }) => ({ line, message: 'A hook must be an object.' })),
  };
}

function untabbed(indentation: string): string {
  return indentation.replaceAll('\t', '  ');
}

const mostLevels = 100;
/** Aliases of YAML can make a page of text into more than anyone can wait for. */
const mostNodes = 200_000;

type Reading = { lines: LineCounter; document: Document.Parsed; left: number };

/** Null for what is too deep or too much. */
function locate(given: unknown, reading: Reading, level: number): Located | null {
  const { lines, document } = reading;
  const node = isAlias(given) ? given.resolve(document) : given;
  // What stands under an alias is told by the line of the alias.
  const at = (given as Partial<Node> | null)?.range?.[0];
  const line = at === undefined ? 1 : lines.linePos(at).line;
  const empty: Located = { line, text: null, value: null, fields: null, items: null };
  if (level > mostLevels || reading.left-- <= 0) return null;
  if (isMap(node)) {
    const fields = new Map<string, Located & { key: string }>();
    for (const { key, value } of node.items) {
      const name = String(isScalar(key) ? key.value : key);
      const found = locate(value, reading, level + 1);
      if (found === null) return null;
      if (name === '<<') {
        // A merge of YAML: what is given beside it goes before it.
        for (const one of found.items ?? [found])
          for (const [inner, field] of one.fields ?? []) if (!fields.has(inner)) fields.set(inner, field);
        continue;
      }
      const keyAt = (key as Partial<Node> | null)?.range?.[0];
      fields.set(name.toLowerCase(), {
        ...found,
        key: name,
        line: keyAt === undefined ? found.line : lines.linePos(keyAt).line,
      });
    }
    return { ...empty, fields };
  }
  if (isSeq(node)) {
    const items: Located[] = [];
    for (const item of node.items) {
      const found = locate(item, reading, level + 1);
      if (found === null) return null;
      items.push(found);
    }
    return { ...empty, items };
  }
  if (!isScalar(node)) return empty;
  // Safe: scalars of YAML's core schema are of these types.
  const value = node.value as string | number | boolean | null;
  const text = typeof value === 'number' ? (node.source ?? String(value)) : String(value);
  return { ...empty, value, text: value === null ? null : text };
}
