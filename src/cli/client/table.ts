import { plain, type Io } from './io.ts';
import { relativeTime } from './relative-time.ts';

/** What a cell shows: `time` is ISO 8601 and shown as "3 min ago", `status` is coloured, `id` is never cut. */
export type Column<Row = Record<string, unknown>> = {
  title: string;
  value: (row: Row) => unknown;
  kind?: 'text' | 'time' | 'status' | 'id';
};

type Screen = Pick<Io, 'isTerminal' | 'columns' | 'now' | 'env'>;

const gap = 2;
const leastWidth = 6;

/** The lines of a table. On a terminal it fits the width; elsewhere nothing is cut and times are exact. */
export function renderTable<Row>(rows: Row[], columns: Column<Row>[], screen: Screen): string[] {
  const cells = rows.map((row) => columns.map((column) => cellText(column.value(row), column.kind, screen)));
  const titles = columns.map(({ title }) => title.toUpperCase());
  const natural = titles.map((title, at) =>
    Math.max(widthOf(title), ...cells.map((line) => widthOf(line[at] ?? ''))),
  );
  const widths = screen.isTerminal ? fit(natural, columns, screen.columns()) : natural;
  const line = (texts: string[], paint: (text: string, at: number) => string) =>
    texts
      .map((text, at) => {
        const cut = cutTo(text, widths[at] ?? 0);
        const padding = at === texts.length - 1 ? 0 : (widths[at] ?? 0) - widthOf(cut) + gap;
        return paint(cut, at) + ' '.repeat(padding);
      })
      .join('')
      .trimEnd();
  return [
    line(titles, (text) => colour(text, 'dim', screen)),
    ...cells.map((texts) =>
      line(texts, (text, at) => (columns[at]?.kind === 'status' ? paintStatus(text, screen) : text)),
    ),
  ];
}

/** The same of one object: a line for each field. */
export function renderFields<Row>(row: Row, columns: Column<Row>[], screen: Screen): string[] {
  const width = Math.max(...columns.map(({ title }) => widthOf(title))) + gap;
  return columns.map(({ title, value, kind }) => {
    const text = cellText(value(row), kind, screen);
    return `${colour(title, 'dim', screen)}${' '.repeat(width - widthOf(title))}${kind === 'status' ? paintStatus(text, screen) : text}`;
  });
}

export function cellText(value: unknown, kind: Column['kind'], screen: Screen): string {
  if (value === null || value === undefined || value === '') return '-';
  if (kind === 'time' && typeof value === 'string' && screen.isTerminal)
    return relativeTime(value, screen.now());
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object'))
    return plain(value.join(', ')) || '-';
  return plain(typeof value === 'object' ? JSON.stringify(value) : String(value));
}

const statusColours: Record<string, keyof typeof codes> = {
  completed: 'green',
  delivered: 'green',
  accepted: 'green',
  ok: 'green',
  active: 'green',
  failed: 'red',
  rejected: 'red',
  refused: 'red',
  disabled: 'red',
  'in-progress': 'blue',
  sending: 'blue',
  queued: 'yellow',
  pending: 'yellow',
  waiting: 'yellow',
  skipped: 'dim',
  duplicate: 'dim',
};

const codes = { red: 31, green: 32, yellow: 33, blue: 34, dim: 2, bold: 1 };

export function paintStatus(text: string, screen: Screen): string {
  const name = statusColours[text];
  return name ? colour(text, name, screen) : text;
}

/** Only for a person at a terminal who has not asked for none: https://no-color.org */
export function colour(text: string, name: keyof typeof codes, screen: Screen): string {
  return screen.isTerminal && !screen.env['NO_COLOR'] && screen.env['TERM'] !== 'dumb' && text
    ? `\x1b[${codes[name]}m${text}\x1b[0m`
    : text;
}

/** Takes from the widest columns until the line fits, or there is nothing left to take. */
function fit<Row>(natural: number[], columns: Column<Row>[], most: number): number[] {
  const widths = [...natural];
  let excess = widths.reduce((sum, width) => sum + width, gap * (widths.length - 1)) - most;
  const flexible = widths.flatMap((_width, at) => (columns[at]?.kind === 'id' ? [] : [at]));
  while (excess > 0) {
    const widest = Math.max(0, ...flexible.map((at) => widths[at] ?? 0));
    if (widest <= leastWidth) break;
    const sharing = flexible.filter((at) => widths[at] === widest);
    const next = Math.max(
      leastWidth,
      ...flexible.map((at) => widths[at] ?? 0).filter((width) => width < widest),
    );
    const each = Math.max(1, Math.min(widest - next, Math.floor(excess / sharing.length)));
    for (const at of sharing) {
      if (excess <= 0) break;
      widths[at] = widest - each;
      excess -= each;
    }
  }
  return widths;
}

function cutTo(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let cut = '';
  for (const { segment } of segments(text)) {
    if (widthOf(cut + segment) > width - 1) break;
    cut += segment;
  }
  return `${cut}…`;
}

const segmenter = new Intl.Segmenter();

function segments(text: string): Iterable<{ segment: string }> {
  return segmenter.segment(text);
}

const wide =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|^\p{Emoji_Presentation}|^[\u{20000}-\u{3fffd}]/u;

/** In places of a terminal: signs of East Asia and emoji take two. */
function widthOf(text: string): number {
  // eslint-disable-next-line no-control-regex
  if (/^[\u0020-\u007e]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segments(text)) width += wide.test(segment) ? 2 : 1;
  return width;
}
