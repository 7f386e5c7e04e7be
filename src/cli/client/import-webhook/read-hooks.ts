import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Node } from 'yaml';

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
  const root = locate(document.contents as Node | null, lines, 0);
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

function locate(node: unknown, lines: LineCounter, level: number): Located {
  const at = (node as Partial<Node> | null)?.range?.[0];
  const line = at === undefined ? 1 : lines.linePos(at).line;
  const empty: Located = { line, text: null, value: null, fields: null, items: null };
  if (level > mostLevels) return empty;
  if (isMap(node)) {
    const fields = new Map<string, Located & { key: string }>();
    for (const { key, value } of node.items) {
      const name = String(isScalar(key) ? key.value : key);
      const keyAt = (key as Partial<Node> | null)?.range?.[0];
      const found = locate(value, lines, level + 1);
      fields.set(name.toLowerCase(), {
        ...found,
        key: name,
        line: keyAt === undefined ? found.line : lines.linePos(keyAt).line,
      });
    }
    return { ...empty, fields };
  }
  if (isSeq(node)) return { ...empty, items: node.items.map((item) => locate(item, lines, level + 1)) };
  if (!isScalar(node)) return empty;
  // Safe: scalars of YAML's core schema are of these types.
  const value = node.value as string | number | boolean | null;
  return {
    ...empty,
    value,
    text: value === null ? null : typeof value === 'number' ? (node.source ?? String(value)) : String(value),
  };
}
