import { mask } from './fetch-environment.ts';
import type { Fields } from './kinds.ts';
import { Reference } from './references.ts';

/** What comparing has found out about secrets. */
export type SecretsFound = {
  /** Stay as they are stored. */
  kept: Reference[];
  /** Are sent. */
  sent: Reference[];
  /** Would have to be sent, but lead to nothing. */
  missing: Reference[];
};

export type CompareOptions = {
  /** Whether secrets are sent that are stored already. */
  sendsSecrets: boolean;
  /** Whether they must be: what is stored does not move along. */
  mustSend: boolean;
};

/**
 * Whether a field is as the file wants it. A secret that is stored cannot be compared: it counts as the same, unless it is
 * to be sent.
 */
export function isAsWanted(
  field: string,
  wanted: unknown,
  actual: unknown,
  options: CompareOptions,
  found: SecretsFound,
): boolean {
  if (field === 'settings.request_headers') return areHeadersAsWanted(wanted, actual, options, found);
  return isSame(wanted, actual, options, found);
}

function isSame(wanted: unknown, actual: unknown, options: CompareOptions, found: SecretsFound): boolean {
  if (wanted instanceof Reference) return isReferenceKept(wanted, actual, options, found);
  if (typeof wanted === 'string' && typeof actual === 'string')
    return wanted === actual || (fitsMask(wanted, actual) && !options.sendsSecrets && !options.mustSend);
  if (!isContainer(wanted) || !isContainer(actual)) return (wanted ?? null) === (actual ?? null);
  if (Array.isArray(wanted) !== Array.isArray(actual)) return false;
  const keys = [...new Set([...Object.keys(wanted), ...Object.keys(actual)])];
  // Each is looked at, so that what is missing is told at once.
  return keys.map((key) => isSame(wanted[key], actual[key], options, found)).every(Boolean);
}

function isReferenceKept(
  reference: Reference,
  actual: unknown,
  { sendsSecrets, mustSend }: CompareOptions,
  found: SecretsFound,
): boolean {
  const isStored = typeof actual === 'string' && actual !== '';
  const isShown = isStored && !actual.includes(mask);
  if (reference.value === undefined) {
    (isStored && !mustSend ? found.kept : found.missing).push(reference);
    return isStored;
  }
  if (isShown && reference.value === actual) return true;
  if (isStored && !isShown && !sendsSecrets && !mustSend) {
    found.kept.push(reference);
    return true;
  }
  found.sent.push(reference);
  return false;
}

type Header = { name: string; value: unknown };

/** Each by its name: a header that is put before another keeps its value. */
function areHeadersAsWanted(
  wanted: unknown,
  actual: unknown,
  options: CompareOptions,
  found: SecretsFound,
): boolean {
  const [ours, theirs] = [headersIn(wanted), headersIn(actual)];
  const same = ours.map(({ name, value }, index) => {
    const value2 = headerLike(theirs, name, index)?.value;
    return isSame(value, value2, options, found);
  });
  const isInOrder =
    ours.length === theirs.length && ours.every(({ name }, index) => name === theirs[index]?.name);
  return isInOrder && same.every(Boolean);
}

function headersIn(value: unknown): Header[] {
  // Safe: the shape was checked, or it comes from the API.
  return Array.isArray(value) ? (value as Header[]) : [];
}

function headerLike(headers: Header[], name: string, index: number): Header | undefined {
  return headers[index]?.name === name ? headers[index] : headers.find((header) => header.name === name);
}

/**
 * What is sent for a field: the values of references that are to be sent, and for the others what answers show of them,
 * which keeps them.
 */
export function toSend(field: string, wanted: unknown, actual: unknown, options: CompareOptions): unknown {
  if (field === 'settings.request_headers') {
    const theirs = headersIn(actual);
    return headersIn(wanted).map(({ name, value }, index) => ({
      name,
      value: filled(value, headerLike(theirs, name, index)?.value, options),
    }));
  }
  return filled(wanted, actual, options);
}

function filled(wanted: unknown, actual: unknown, options: CompareOptions): unknown {
  if (wanted instanceof Reference) {
    const isStored = typeof actual === 'string' && actual !== '';
    const isShown = isStored && !actual.includes(mask);
    const sends = !isStored || isShown || options.sendsSecrets || options.mustSend;
    return sends && wanted.value !== undefined ? wanted.value : actual;
  }
  // It stands in the file, and is shown masked: what fits is taken to be the same.
  if (typeof wanted === 'string' && typeof actual === 'string' && fitsMask(wanted, actual)) {
    return options.sendsSecrets || options.mustSend ? wanted : actual;
  }
  if (!isContainer(wanted)) return wanted;
  const inner = isContainer(actual) ? actual : {};
  const entries = Object.entries(wanted).map(([key, one]): [string, unknown] => [
    key,
    filled(one, inner[key], options),
  ]);
  return Array.isArray(wanted) ? entries.map(([, one]) => one) : Object.fromEntries(entries);
}

function isContainer(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

/** Whether an answer may show this text so. */
function fitsMask(text: string, shown: string): boolean {
  if (!shown.includes(mask)) return false;
  const parts = shown.split(new RegExp(`(?:"${escaped}")|(?:${escaped})`));
  let at = 0;
  for (const [index, part] of parts.entries()) {
    const found = index === 0 ? (text.startsWith(part) ? 0 : -1) : text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.endsWith(parts.at(-1) ?? '') && text.length > parts.join('').length;
}

const escaped = mask.replaceAll('*', String.raw`\*`);
