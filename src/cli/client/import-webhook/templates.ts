import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Fault } from './read-hooks.ts';

/** Where a value is kept that the file only names. */
export type Reference = { env: string } | { file: string };

/** What stood in a template, by what stands in its place now. */
export type References = Map<string, Reference>;

type Env = Record<string, string | undefined>;

const call =
  /^(getenv|cat|credential)\s+(?:"((?:[^"\\]|\\.)*)"|`([^`]*)`)\s*(?:\|\s*(?:js|html|urlquery|print)\s*)*$/;

/**
 * Puts a mark in place of each expression of a template that webhook would fill in with `getenv`, `cat` or `credential`, so
 * that the rest can be read as JSON or YAML. What else a template of Go can do is a fault.
 */
export function readTemplate(
  text: string,
  env: Env,
): { text: string; references: References; faults: Fault[] } {
  const references: References = new Map();
  const faults: Fault[] = [];
  const plain = text.replaceAll(/\{\{-?\s*([^]*?)\s*-?\}\}/g, (whole, inner: string, at: number) => {
    const lines = '\n'.repeat(whole.split('\n').length - 1);
    if (/^\/\*[^]*\*\/$/.test(inner)) return lines;
    const [, name, quoted, raw] = call.exec(inner) ?? [];
    if (name === undefined) {
      const line = text.slice(0, at).split('\n').length;
      const message = `{{ ${inner.slice(0, 60)} }}: of templates only getenv, cat and credential are understood. Have the rest filled in first.`;
      faults.push({ line, message });
      return lines;
    }
    const argument = raw ?? (quoted ?? '').replaceAll(/\\(.)/g, '$1');
    const mark = `hookline-reference-${references.size + 1}-`;
    references.set(mark, referenceOf(name, argument, env));
    return mark;
  });
  return { text: plain, references, faults };
}

function referenceOf(name: string, argument: string, env: Env): Reference {
  if (name === 'getenv') return { env: argument };
  if (name === 'cat') return { file: argument };
  // Of systemd: a folder with a file for each.
  const folder = env['CREDENTIALS_DIRECTORY'];
  return folder ? { file: join(folder, argument) } : { env: argument };
}

/** The reference that a text consists of; null where it is more, or something else. */
export function wholeReference(text: string, references: References): Reference | null {
  return references.get(text) ?? null;
}

/** The text with every mark replaced by what it stands for; null when some of it is not there. */
export function resolveText(text: string, references: References, env: Env): string | null {
  let missing = false;
  const resolved = text.replaceAll(/hookline-reference-\d+-/g, (mark) => {
    const reference = references.get(mark);
    const value = reference && resolveReference(reference, env);
    if (value === null) missing = true;
    return value ?? mark;
  });
  return missing ? null : resolved;
}

export function resolveReference(reference: Reference, env: Env): string | null {
  if ('env' in reference) return env[reference.env] || null;
  try {
    return readFileSync(reference.file, 'utf8').replace(/\n$/, '') || null;
  } catch {
    return null;
  }
}
