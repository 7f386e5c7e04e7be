/** How a piece of output looks: what the terminal's SGR sequences (ECMA-48) have set before it. */
export type Look = {
  /** 0 to 15, the terminal's own colours; others become the nearest of them, so that every one can be read. */
  color: number | null;
  ground: number | null;
  bold: boolean;
  dim: boolean;
  italic: boolean;
  underline: boolean;
};
export type Span = { text: string; look: Look };

export const plain: Look = {
  color: null,
  ground: null,
  bold: false,
  dim: false,
  italic: false,
  underline: false,
};

const esc = '\u001b';
/** CSI, strings such as titles and hyperlinks, and short escapes; none of them goes over the end of a line. */
const sequence = new RegExp(
  String.raw`(?:${esc}\[|\u009b)([0-?]{0,128})[ -/]{0,8}([@-~])|${esc}[\]PX^_][^\u0007${esc}\u009c\n]{0,4096}(?:\u0007|${esc}\\|\u009c)?|${esc}[ -/]{0,8}[0-~]?`,
  'g',
);
/** What is left over is no text either. */
// oxlint-disable-next-line no-control-regex
const controls = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g;

export function hasSequences(text: string): boolean {
  return text.includes(esc) || text.includes('\u009b');
}

/** The text alone, with as many lines as before. */
export function withoutSequences(text: string): string {
  return text.replace(sequence, '');
}

/** The look after a text. */
export function lookAfter(text: string, look: Look): Look {
  let current = look;
  for (const [, parameters, final] of text.matchAll(sequence))
    if (final === 'm') current = changed(current, parameters ?? '');
  return current;
}

/** One line in pieces of the same look, as text: nothing in it can become markup. */
export function spansOf(line: string, look: Look): Span[] {
  // A line that was written over and over, such as a progress bar, shows what was written last.
  const shown = line.slice(line.lastIndexOf('\r') + 1);
  let current = shown === line ? look : lookAfter(line.slice(0, -shown.length || undefined), look);
  const spans: Span[] = [];
  const add = (text: string) => {
    const clean = text.replace(controls, '');
    if (clean !== '') spans.push({ text: clean, look: current });
  };
  let end = 0;
  for (const match of shown.matchAll(sequence)) {
    add(shown.slice(end, match.index));
    end = match.index + match[0].length;
    if (match[2] === 'm') current = changed(current, match[1] ?? '');
  }
  add(shown.slice(end));
  return spans;
}

function changed(before: Look, parameters: string): Look {
  const look = { ...before };
  const codes = parameters.split(/[;:]/).map(Number);
  for (let index = 0; index < codes.length; index++) {
    const code = codes[index]!;
    if (code === 0) Object.assign(look, plain);
    else if (code === 1) look.bold = true;
    else if (code === 2) look.dim = true;
    else if (code === 3) look.italic = true;
    else if (code === 4) look.underline = true;
    else if (code === 22) look.bold = look.dim = false;
    else if (code === 23) look.italic = false;
    else if (code === 24) look.underline = false;
    else if (code >= 30 && code <= 37) look.color = code - 30;
    else if (code === 39) look.color = null;
    else if (code >= 40 && code <= 47) look.ground = code - 40;
    else if (code === 49) look.ground = null;
    else if (code >= 90 && code <= 97) look.color = code - 82;
    else if (code >= 100 && code <= 107) look.ground = code - 92;
    else if (code === 38 || code === 48) {
      const [color, used] = wideColor(codes, index + 1);
      if (code === 38) look.color = color;
      else look.ground = color;
      index += used;
    }
  }
  return look;
}

/** Of `5;n` or `2;r;g;b`: the nearest basic colour, and how many numbers that were. */
function wideColor(codes: number[], at: number): [color: number | null, used: number] {
  if (codes[at] === 5) return [basicOf256(codes[at + 1] ?? 0), 2];
  if (codes[at] === 2) return [nearest(codes[at + 1] ?? 0, codes[at + 2] ?? 0, codes[at + 3] ?? 0), 4];
  return [null, codes.length];
}

function basicOf256(code: number): number {
  if (code < 16) return code;
  if (code >= 232) return nearest(...([0, 0, 0].fill(8 + (code - 232) * 10) as [number, number, number]));
  const level = (part: number) => (part === 0 ? 0 : 55 + part * 40);
  const cube = code - 16;
  return nearest(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6));
}

function nearest(red: number, green: number, blue: number): number {
  const most = Math.max(red, green, blue);
  const isGray = most - Math.min(red, green, blue) < 32;
  if (isGray) return most < 64 ? 0 : most < 140 ? 8 : most < 220 ? 7 : 15;
  const bits = (red > most / 2 ? 1 : 0) | (green > most / 2 ? 2 : 0) | (blue > most / 2 ? 4 : 0);
  return most > 200 ? bits + 8 : bits;
}
