import { mask } from './secret-box.ts';

/** Shorter ones would mask half of every text, and protect nothing. */
const shortest = 4;

/** A shorter line of a secret is an ordinary word, or a bracket. */
const shortestLine = 8;
/** Keys and certificates have fewer; each line costs a search. */
const mostLines = 500;
/** How `base64` and `openssl` break their lines. */
const wraps = [76, 64];

/** Every form in which a secret may turn up: as it is, percent-encoded, inside a JSON string, in base64, line by line. */
function formsOf(secret: string): string[] {
  const base64 = Buffer.from(secret).toString('base64');
  return [
    secret,
    encodeURIComponent(secret.toWellFormed()),
    JSON.stringify(secret).slice(1, -1),
    base64,
    Buffer.from(secret).toString('base64url'),
    ...linesOf(secret),
    ...wraps
      .filter((width) => base64.length > width)
      .flatMap((width) => linesOf(base64.replaceAll(new RegExp(`.{${width}}`, 'g'), '$&\n'))),
  ];
}

/** A text of several lines, a key above all, is often printed indented, filtered or quoted. */
function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.length === 1 || lines.length > mostLines) return [];
  return lines.map((line) => line.trim()).filter((line) => line.length >= shortestLine);
}

function allForms(secrets: string[]): string[] {
  return [...new Set(secrets.filter((secret) => secret.length >= shortest).flatMap(formsOf))];
}

/** Returns a function that masks every form of every secret in a text. */
export function createMasker(secrets: string[]): (text: string) => string {
  const forms = allForms(secrets);
  return (text) => hide(text, findSecrets(text, forms));
}

/**
 * The same for a text that arrives in pieces: whatever the cuts, the whole that comes out is the same. What could be
 * the beginning of a secret is held back until the next piece shows whether it is one; `end` gives the rest.
 */
export function createStreamMasker(secrets: string[]): { push(text: string): string; end(): string } {
  const forms = allForms(secrets).map((form) => ({ form, borders: bordersOf(form) }));
  const texts = forms.map(({ form }) => form);
  let held = '';
  return {
    push(text) {
      const whole = held + text;
      const found = findSecrets(whole, texts);
      const longest = Math.max(0, ...forms.map(({ form, borders }) => beginningAtEnd(whole, form, borders)));
      let keepFrom = whole.length - longest;
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
      const rest = hide(held, findSecrets(held, texts));
      held = '';
      return rest;
    },
  };
}

type Range = { start: number; end: number };

/** All places where a form stands, in order; those that overlap are one. */
function findSecrets(text: string, forms: string[]): Range[] {
  const found: Range[] = [];
  for (const form of forms) {
    for (let start = text.indexOf(form); start >= 0; start = text.indexOf(form, start + 1)) {
      found.push({ start, end: start + form.length });
    }
  }
  found.sort((a, b) => a.start - b.start);
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

/** The length of the longest end of the text that is a beginning, but not the whole, of the form. */
function beginningAtEnd(text: string, form: string, borders: number[]): number {
  let length = 0;
  for (let index = Math.max(0, text.length - form.length + 1); index < text.length; index++) {
    while (length > 0 && text[index] !== form[length]) length = borders[length - 1]!;
    if (text[index] === form[length]) length++;
  }
  return length;
}
