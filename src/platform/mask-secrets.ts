import { mask } from './secret-box.ts';

/** Shorter ones would mask half of every text, and protect nothing. */
const shortest = 4;

/** Every form in which a secret may turn up: as it is, percent-encoded, inside a JSON string, in base64. */
function formsOf(secret: string): string[] {
  return [
    secret,
    encodeURIComponent(secret.toWellFormed()),
    JSON.stringify(secret).slice(1, -1),
    Buffer.from(secret).toString('base64'),
    Buffer.from(secret).toString('base64url'),
  ];
}

function allForms(secrets: string[]): string[] {
  const forms = new Set(secrets.filter((secret) => secret.length >= shortest).flatMap(formsOf));
  // The longest first: one secret may be the beginning of another.
  return [...forms].sort((a, b) => b.length - a.length);
}

/** Returns a function that replaces every form of every secret in a text. */
export function createMasker(secrets: string[]): (text: string) => string {
  const forms = allForms(secrets);
  return (text) => forms.reduce((masked, form) => masked.replaceAll(form, mask), text);
}

/**
 * The same for a text that arrives in pieces. What could be the beginning of a secret is held back until the next
 * piece shows whether it is one; `end` gives the rest.
 */
export function createStreamMasker(secrets: string[]): { push(text: string): string; end(): string } {
  const forms = allForms(secrets);
  const hide = (text: string) => forms.reduce((masked, form) => masked.replaceAll(form, mask), text);
  let held = '';
  return {
    push(text) {
      const whole = hide(held + text);
      const keep = longestBeginning(whole, forms);
      held = whole.slice(whole.length - keep);
      return whole.slice(0, whole.length - keep);
    },
    end() {
      const rest = hide(held);
      held = '';
      return rest;
    },
  };
}

/** The length of the longest end of `text` that is a beginning of one of the forms. */
function longestBeginning(text: string, forms: string[]): number {
  let longest = 0;
  for (const form of forms) {
    for (let length = Math.min(form.length - 1, text.length); length > longest; length--) {
      if (text.endsWith(form.slice(0, length))) longest = length;
    }
  }
  return longest;
}
