import { mask } from './secret-box.ts';
import { formsOf } from './secret-forms.ts';

/** Shorter ones would mask half of every text, and protect nothing. */
const shortest = 4;

/** Returns a function that masks every form of every secret in a text. */
export function createMasker(secrets: string[]): (text: string) => string {
  const forms = compiled(secrets);
  return (text) => hide(text, findSecrets(text, forms));
}

/**
 * The same for a text that arrives in pieces: whatever the cuts, the whole that comes out is the same. What could be
 * the beginning of a secret is held back until the next piece shows whether it is one; `end` gives the rest.
 */
export function createStreamMasker(secrets: string[]): { push(text: string): string; end(): string } {
  const forms = compiled(secrets);
  let held = '';
  return {
    push(text) {
      const whole = held + text;
      const found = findSecrets(whole, forms);
      let keepFrom = beginningAtEnd(whole, forms);
      // A secret that was found but reaches into what is held back may still grow together with it.
      const touching = found.find(({ end }) => end > keepFrom);
      if (touching && touching.start < keepFrom) keepFrom = touching.start;
      held = whole.slice(keepFrom);
      return hide(
        whole.slice(0, keepFrom),
        found.filter(({ end }) => end <= keepFrom),
      );
    },
    end() {
      const rest = hide(held, findSecrets(held, forms));
      held = '';
      return rest;
    },
  };
}

/** Forms up to this length are looked for all at once, longer ones, which are few, each by itself. */
const longestTogether = 512;
/** The first characters of a form that decide whether it is compared at all. */
const blockLength = 3;
const filterSize = 8192;

/**
 * The forms of some secrets, made for one walk through a text whatever their number: the filter tells of the block at a
 * place, with one look, that no form begins there. So many forms one by one took 15 times as long.
 */
type Compiled = {
  filter: Uint8Array;
  /** By the number of their first block; the longest first. */
  together: Map<number, string[]>;
  /** Beginnings that are shorter than a block. */
  beginnings: Set<string>;
  longest: number;
  long: { form: string; borders: number[] }[];
};

/** Kept for as many lists of secrets: those of a hook are the same with each delivery. */
const mostCompiled = 100;
const kept = new Map<string, Compiled>();
/** Of each secret: a list may hold one that is new every time, beside a key that is not. */
const mostForms = 400;
const keptForms = new Map<string, string[]>();

function compiled(secrets: string[]): Compiled {
  const wanted = secrets.filter((secret) => secret.length >= shortest);
  return remembered(kept, mostCompiled, JSON.stringify(wanted), () =>
    compile(
      new Set(wanted.flatMap((secret) => remembered(keptForms, mostForms, secret, () => formsOf(secret)))),
    ),
  );
}

/** What was not asked for longest goes first. */
function remembered<Value>(known: Map<string, Value>, most: number, key: string, make: () => Value): Value {
  const value = known.get(key) ?? make();
  known.delete(key);
  known.set(key, value);
  if (known.size > most) known.delete(known.keys().next().value!);
  return value;
}

function compile(forms: Set<string>): Compiled {
  const filter = new Uint8Array(filterSize);
  const together = new Map<number, string[]>();
  const beginnings = new Set<string>();
  const long: Compiled['long'] = [];
  let longest = 0;
  for (const form of [...forms].sort((a, b) => b.length - a.length)) {
    if (form.length > longestTogether) {
      long.push({ form, borders: bordersOf(form) });
      continue;
    }
    longest = Math.max(longest, form.length);
    const block = blockAt(form, 0);
    filter[block] = 1;
    const others = together.get(block);
    if (others) others.push(form);
    else together.set(block, [form]);
    for (let length = 1; length < blockLength; length++) beginnings.add(form.slice(0, length));
  }
  return { filter, together, beginnings, longest, long };
}

/** The number of the block that begins at a place; different ones may share it. */
function blockAt(text: string, at: number): number {
  return blockOf(text.charCodeAt(at), text.charCodeAt(at + 1), text.charCodeAt(at + 2));
}

function blockOf(first: number, second: number, third: number): number {
  return ((first << 8) ^ (second << 4) ^ third ^ (third << 7)) & (filterSize - 1);
}

type Range = { start: number; end: number };

/** All places where a form stands, in order; those that overlap are one. */
function findSecrets(text: string, { filter, together, long }: Compiled): Range[] {
  const found: Range[] = [];
  if (together.size > 0) {
    // `blockAt` of every place, each character read once.
    let first = 0;
    let second = text.charCodeAt(0);
    let third = text.charCodeAt(1);
    for (let start = 0; start <= text.length - blockLength; start++) {
      first = second;
      second = third;
      third = text.charCodeAt(start + 2);
      const block = blockOf(first, second, third);
      if (filter[block] === 0) continue;
      for (const form of together.get(block)!) {
        if (!text.startsWith(form, start)) continue;
        found.push({ start, end: start + form.length });
        break;
      }
    }
  }
  for (const { form } of long) {
    for (let start = text.indexOf(form); start >= 0; start = text.indexOf(form, start + 1)) {
      found.push({ start, end: start + form.length });
    }
  }
  if (long.length > 0) found.sort((a, b) => a.start - b.start);
  const merged: Range[] = [];
  for (const range of found) {
    const last = merged.at(-1);
    if (last && range.start < last.end) last.end = Math.max(last.end, range.end);
    else merged.push({ ...range });
  }
  return merged;
}

function hide(text: string, ranges: Range[]): string {
  let shown = '';
  let from = 0;
  for (const { start, end } of ranges) {
    shown += text.slice(from, start) + mask;
    from = end;
  }
  return shown + text.slice(from);
}

/** For each beginning of the form the length of its longest border (Knuth, Morris, Pratt): linear however long it is. */
function bordersOf(form: string): number[] {
  const borders = [0];
  let length = 0;
  for (let index = 1; index < form.length; index++) {
    while (length > 0 && form[index] !== form[length]) length = borders[length - 1]!;
    if (form[index] === form[length]) length++;
    borders.push(length);
  }
  return borders;
}

/** Where the longest end of the text begins that is a beginning, but not the whole, of a form. */
function beginningAtEnd(text: string, forms: Compiled): number {
  let earliest = text.length;
  for (let at = Math.max(0, text.length - forms.longest + 1); at < earliest; at++) {
    if (beginsAt(text, at, forms)) earliest = at;
  }
  for (const { form, borders } of forms.long) {
    earliest = Math.min(earliest, text.length - lengthAtEnd(text, form, borders));
  }
  return earliest;
}

function beginsAt(text: string, at: number, { filter, together, beginnings }: Compiled): boolean {
  const left = text.length - at;
  if (left < blockLength) return beginnings.has(text.slice(at));
  const block = blockAt(text, at);
  if (filter[block] === 0) return false;
  const rest = text.slice(at);
  return together.get(block)!.some((form) => form.length > left && form.startsWith(rest));
}

/** The length of the longest end of the text that is a beginning, but not the whole, of one form. */
function lengthAtEnd(text: string, form: string, borders: number[]): number {
  let length = 0;
  for (let index = Math.max(0, text.length - form.length + 1); index < text.length; index++) {
    while (length > 0 && text[index] !== form[length]) length = borders[length - 1]!;
    if (text[index] === form[length]) length++;
  }
  return length;
}
