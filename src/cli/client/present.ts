import { plain } from './io.ts';
import { valueAt } from './lookup.ts';
import type { Output } from './output.ts';
import type { Column } from './table.ts';

type Item = Record<string, unknown>;

/** `status`, `updated_at as Changed`, `resource.data.name`: where the value is, and its title if not made of that. */
export function columnsOf(texts: string[]): Column<Item>[] {
  return texts.map((text) => {
    const [path = '', title] = text.split(' as ');
    const last = path.split('.').at(-1) ?? '';
    return { title: title ?? titleOf(path), value: (item) => valueAt(item, path), kind: kindOf(last) };
  });
}

/** One object of the API for people: its values in lines, and below them what has more than one value in YAML. */
export async function showObject(out: Output, value: unknown): Promise<void> {
  if (out.isJson || typeof value !== 'object' || value === null || Array.isArray(value))
    return out.json(value);
  // Safe: an object, which the line above has asked.
  const item = value as Item;
  // The same in other words is for the dashboard.
  const names = Object.keys(item).filter((name) => !name.endsWith('_human_readable') && !isEmpty(item[name]));
  const deep = names.filter((name) => isDeep(item[name]));
  out.fields(
    item,
    names
      .filter((name) => !deep.includes(name))
      .map((name) => ({
        title: titleOf(name),
        kind: kindOf(name),
        value: () => nameOf(item[name]) ?? item[name],
      })),
  );
  if (deep.length === 0) return;
  const { stringify } = await import('yaml');
  for (const name of deep) {
    const text = stringify(prune(item[name]), { lineWidth: 0 }).trimEnd();
    out.line(`\n${out.colour(titleOf(name), 'dim')}`);
    for (const line of text.split('\n')) out.line(`  ${plain(line)}`);
  }
}

/** Whether it is more than a line: an object that is not just the name of something related. */
function isDeep(value: unknown): boolean {
  if (Array.isArray(value)) return value.some((item) => typeof item === 'object');
  return typeof value === 'object' && value !== null && nameOf(value) === null;
}

/** Without what says nothing. */
function prune(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(prune);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, inner]) => !name.endsWith('_human_readable') && !isEmpty(inner))
      .map(([name, inner]) => [name, prune(inner)]),
  );
}

function kindOf(name: string): Column['kind'] {
  if (/_(at|until|since)$/.test(name)) return 'time';
  if (name === 'id') return 'id';
  return name === 'status' || name === 'outcome' ? 'status' : 'text';
}

function titleOf(path: string): string {
  const words = path
    .replace(/\.(name|id)$/, '')
    .replace(/^.*\./, '')
    .replace(/_at$/, '')
    .replaceAll('_', ' ');
  return words === 'id' ? 'ID' : words.slice(0, 1).toUpperCase() + words.slice(1);
}

/** What a related object is called: `production (1)`. */
function nameOf(value: unknown): string | null {
  if (Array.isArray(value)) return null;
  const name = valueAt(value, 'name') ?? valueAt(value, 'hostname') ?? valueAt(value, 'email');
  const id = valueAt(value, 'id');
  if (typeof name !== 'string') return null;
  return id === undefined ? name : `${name} (${String(id)})`;
}

function isEmpty(value: unknown): boolean {
  return (
    value === null ||
    value === undefined ||
    (typeof value === 'object' && Object.values(value).every(isEmpty))
  );
}
