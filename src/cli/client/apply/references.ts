import { readFile, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';

/** A secret that a file names instead of holding it. `value` is undefined where the reference leads to nothing. */
export class Reference {
  readonly kind: 'env' | 'file';
  readonly name: string;
  value: string | undefined;
  /** Why there is no value. */
  problem: string | undefined;

  constructor(kind: 'env' | 'file', name: string) {
    this.kind = kind;
    this.name = name;
  }

  /** `$WEB_TOKEN`, or the path of a file. */
  get text(): string {
    return this.kind === 'env' ? `$${this.name}` : this.name;
  }

  toJSON(): Record<string, string> {
    return { [this.kind]: this.name };
  }
}

const mostBytes = 1024 * 1024;

/** Looks where they lead: into the environment, and into files beside the one that names them. */
export async function resolveReferences(
  references: Reference[],
  { folder, env }: { folder: string; env: NodeJS.ProcessEnv },
): Promise<void> {
  for (const reference of references) {
    if (reference.kind === 'env') {
      reference.value = env[reference.name] || undefined;
      if (reference.value === undefined)
        reference.problem = `the environment variable ${reference.name} is not set`;
    } else {
      try {
        reference.value = await readText(
          isAbsolute(reference.name) ? reference.name : join(folder, reference.name),
        );
        if (reference.value === '') throw new Error('is empty');
      } catch (error) {
        reference.value = undefined;
        reference.problem = `the file ${reference.name} ${whatIsWrong(error)}`;
      }
    }
  }
}

async function readText(path: string): Promise<string> {
  const found = await stat(path);
  if (!found.isFile()) throw new Error('is no ordinary file');
  if (found.size > mostBytes) throw new Error(`has more than ${mostBytes} bytes`);
  const text = await readFile(path, 'utf8');
  // Editors end a file with a line break, which is no part of a token. Of a key it is.
  return text.startsWith('-----BEGIN') ? text : text.replace(/\r?\n$/, '');
}

function whatIsWrong(error: unknown): string {
  if (!(error instanceof Error)) return 'cannot be read';
  if (!('code' in error)) return error.message;
  return error.code === 'ENOENT' ? 'does not exist' : `cannot be read (${String(error.code)})`;
}

/** Every reference in a value, at any depth. */
export function referencesIn(value: unknown): Reference[] {
  if (value instanceof Reference) return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(referencesIn);
}

/** Puts references in the place of `{ env: … }` and `{ file: … }`, or within a body of `$secret: { … }`. */
export function withReferences(field: string, value: unknown): unknown {
  if (field === 'settings.request_body') return inBody(value);
  // What hooks extract and compare is no secret, and may look like anything.
  if (field === 'settings.variables' || field.startsWith('trigger_when.')) return value;
  const found = asReference(value);
  if (found) return found;
  if (field !== 'settings.request_headers' || !Array.isArray(value)) return value;
  return value.map((header: unknown) =>
    typeof header === 'object' && header !== null && 'value' in header
      ? { ...header, value: asReference(header.value) ?? header.value }
      : header,
  );
}

function inBody(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(inBody);
  const entries = Object.entries(value);
  const [first] = entries;
  if (entries.length === 1 && first?.[0] === '$secret') return asReference(first[1]) ?? value;
  return Object.fromEntries(entries.map(([key, one]) => [key, inBody(one)]));
}

function asReference(value: unknown): Reference | null {
  if (typeof value !== 'object' || value === null) return null;
  const [first, ...others] = Object.entries(value);
  if (!first || others.length > 0 || typeof first[1] !== 'string') return null;
  return first[0] === 'env' || first[0] === 'file' ? new Reference(first[0], first[1]) : null;
}
