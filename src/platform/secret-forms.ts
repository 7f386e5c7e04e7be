/*
 * Every form in which a secret may turn up in a log, a URL or an answer: what the encoders that programs use make of it.
 * They differ in what they leave as it is, which is why there are so many; of a secret of letters and digits most are one.
 */

/** Longer ones, keys above all, are not looked for in forms that nobody makes of a text of that size. */
const longestSpelledOut = 1000;

/** A shorter line of a secret is an ordinary word, or a bracket. */
const shortestLine = 8;
/** Keys and certificates have fewer. */
const mostLines = 500;
/** How `base64` and `openssl` break their lines. */
const wraps = [76, 64];
/** Shorter ones stand in ordinary texts by chance. */
const shortestInnerBase64 = 7;

/** Without repetitions. */
export function formsOf(secret: string): string[] {
  const lines = linesOf(secret);
  return [
    ...new Set([
      ...written(secret),
      ...lines.flatMap(written),
      ...(secret.length > longestSpelledOut ? [] : spelledOut(secret)),
      ...inBase64(secret, lines),
      ...['hex', 'HEX'].map((how) => hexOf(secret, how === 'HEX').join('')),
    ]),
  ];
}

/** As it is, in a URL, a form, JSON or HTML, and in one of them within another. */
function written(secret: string): string[] {
  // Nothing encodes these.
  if (/^[\w-]*$/.test(secret)) return [secret];
  const json = jsonForms(secret);
  const html = htmlForms(secret);
  const percent = [secret, JSON.stringify(secret).slice(1, -1)].flatMap(percentForms);
  return [
    secret,
    ...percent,
    ...percent.map((form) => form.replaceAll('%', '%25')),
    ...json,
    ...json.map((form) => JSON.stringify(form).slice(1, -1)),
    ...html,
    ...html.map((form) => form.replaceAll('&', '&amp;')),
  ];
}

/** Every character in the same way, as no encoder must, but some do to be safe, and whoever wants to get past a filter. */
function spelledOut(secret: string): string[] {
  const units = secret.split('').map((unit) => unit.charCodeAt(0));
  const points = [...secret.toWellFormed()].map((character) => character.codePointAt(0)!);
  return [false, true].flatMap((upper) => {
    const bytes = hexOf(secret, upper);
    const hex = (number: number, digits: number) => cased(number.toString(16), upper).padStart(digits, '0');
    const percent = bytes.map((byte) => `%${byte}`).join('');
    return [
      percent,
      percent.replaceAll('%', '%25'),
      bytes.map((byte) => `\\x${byte}`).join(''),
      units.map((unit) => `\\u${hex(unit, 4)}`).join(''),
      points.map((point) => `&#x${hex(point, 2)};`).join(''),
      points.map((point) => `&#${point};`).join(''),
    ];
  });
}

/** What the encoders of URLs leave as it is, and what they write for a space. */
const urlEncoders: { leaves: RegExp; space: string }[] = [
  // encodeURIComponent
  { leaves: /[\w.~!*'()-]/, space: '%20' },
  // the same, then made into a URL: in its query no quote is left
  { leaves: /[\w.~!*()-]/, space: '%20' },
  // RFC 3986: rawurlencode and most others
  { leaves: /[\w.~-]/, space: '%20' },
  // forms: URLSearchParams, urlencode, quote_plus
  { leaves: /[\w.*-]/, space: '+' },
  { leaves: /[\w.~-]/, space: '+' },
  { leaves: /[\w.-]/, space: '+' },
  // Python's quote
  { leaves: /[\w.~/-]/, space: '%20' },
  // encodeURI
  { leaves: /[\w.~!*'();/?:@&=+$,#-]/, space: '%20' },
  // the path and the query of a URL object
  { leaves: /[!$-;=@-_a-z|~]/, space: '%20' },
  { leaves: /[!$%&(-;=?-~]/, space: '%20' },
];

function percentForms(text: string): string[] {
  const characters = [...text.toWellFormed()];
  return urlEncoders.flatMap(({ leaves, space }) =>
    [false, true].map((upper) =>
      characters
        .map((character) => {
          if (character === ' ') return space;
          if (leaves.test(character)) return character;
          return hexOf(character, upper)
            .map((byte) => `%${byte}`)
            .join('');
        })
        .join(''),
    ),
  );
}

/** What JSON encoders escape beyond what they must: for HTML, and so that all of it is ASCII. */
const jsonEncoders: RegExp[] = ['$.', '[<>&]', "[<>&']", `[<>&'"]`].flatMap((forHtml) => [
  new RegExp(forHtml),
  new RegExp(`${forHtml}|[^\\0-\\x7f]`),
]);

function jsonForms(secret: string): string[] {
  const units = secret.split('');
  return jsonEncoders.flatMap((escaped) =>
    [false, true].flatMap((upper) => {
      const form = units
        .map((unit) => {
          if (!escaped.test(unit)) return unit === '"' || unit < ' ' || unit === '\\' ? short(unit) : unit;
          return `\\u${cased(unit.charCodeAt(0).toString(16), upper).padStart(4, '0')}`;
        })
        .join('');
      return [form, form.replaceAll('/', '\\/')];
    }),
  );
}

const short = (character: string): string => JSON.stringify(character).slice(1, -1);

const basic = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
/** What the encoders of HTML and XML write for a character. */
const htmlEncoders: Record<string, string>[] = [
  basic,
  { ...basic, '"': '&quot;' },
  { ...basic, '"': '&quot;', "'": '&#39;' },
  { ...basic, '"': '&quot;', "'": '&#039;' },
  { ...basic, '"': '&quot;', "'": '&#x27;' },
  { ...basic, '"': '&quot;', "'": '&apos;' },
  { ...basic, '"': '&#34;', "'": '&#39;' },
  { ...basic, '"': '&quot;', "'": '&#x27;', '/': '&#x2F;' },
  { ...basic, '"': '&quot;', "'": '&#39;', '/': '&#x2F;', '`': '&#x60;', '=': '&#x3D;' },
];

function htmlForms(secret: string): string[] {
  const characters = [...secret.toWellFormed()];
  const others: ((character: string) => string)[] = [
    (character) => character,
    (character) => `&#${character.codePointAt(0)};`,
    (character) => `&#x${character.codePointAt(0)!.toString(16)};`,
  ];
  return htmlEncoders.flatMap((names) =>
    others.map((other) =>
      characters
        .map((character) => names[character] ?? (character > '\x7f' ? other(character) : character))
        .join(''),
    ),
  );
}

/** In base64 of its own, also as it breaks its lines, and within that of a longer text or of JSON. */
function inBase64(secret: string, lines: string[]): string[] {
  const bytes = Buffer.from(secret);
  const whole = bytes.toString('base64');
  const wrapped = wraps
    .filter((width) => whole.length > width)
    .flatMap((width) => linesOf(whole.replaceAll(new RegExp(`.{${width}}`, 'g'), '$&\n')));
  const json = JSON.stringify(secret).slice(1, -1);
  const within = new Set([secret, json, ...lines]);
  const parts = [whole, bytes.toString('base64url'), ...[...within].flatMap(innerBase64)];
  return [...parts.flatMap(inUrlsAndJson), ...wrapped];
}

/**
 * What always stands in the base64 of a text that holds the secret: three bytes become four characters, so that there are
 * three such parts, by where in the text it begins. The characters at their ends, which hold bits of the neighbours too,
 * are left out.
 */
function innerBase64(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [0, 1, 2]
    .map((before) => {
      const from = Math.ceil((before * 8) / 6);
      const to = Math.floor(((before + bytes.length) * 8) / 6);
      return Buffer.concat([Buffer.alloc(before), bytes])
        .toString('base64')
        .slice(from, to);
    })
    .filter((part) => part.length >= shortestInnerBase64);
}

function inUrlsAndJson(base64: string): string[] {
  const encoded = (plus: string, slash: string, equals: string) =>
    base64.replaceAll('+', plus).replaceAll('/', slash).replaceAll('=', equals);
  return [
    base64,
    encoded('-', '_', '='),
    encoded('%2B', '%2F', '%3D'),
    encoded('%2b', '%2f', '%3d'),
    encoded('+', '\\/', '='),
  ];
}

/** A text of several lines, a key above all, is often printed indented, filtered or quoted. */
function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.length === 1 || lines.length > mostLines) return [];
  return lines.map((line) => line.trim()).filter((line) => line.length >= shortestLine);
}

/** The bytes of the text, two digits each. */
function hexOf(text: string, upper: boolean): string[] {
  return cased(Buffer.from(text).toString('hex'), upper).match(/../g) ?? [];
}

function cased(hex: string, upper: boolean): string {
  return upper ? hex.toUpperCase() : hex;
}
