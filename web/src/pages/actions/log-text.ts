import { hasSequences, lookAfter, plain, spansOf, withoutSequences, type Look, type Span } from './ansi.ts';
import { createBreather } from './breather.ts';

/** Lines are found in pieces of about this much, and looks only in those that are shown. */
const pieceCharacters = 64 * 1024;
/** Of a longer line the rest is in the download. */
const mostShown = 4000;

type Piece = {
  /** Whole lines, each with its end. */
  text: string;
  /** Where each line begins. */
  starts: number[];
  /** The number of the first line, from 0. */
  first: number;
  lookBefore: Look;
  lookAfter: Look;
  /** The look at the beginning of each line, once one of them was shown. */
  looks: Look[] | null;
};

export type Line = { spans: Span[]; left: number };

/**
 * The output of a step, to which more may come. A million lines cost no more than their text and a number each: what a
 * line looks like is found out when it is shown.
 */
export class LogText {
  isComplete = false;
  private pieces: Piece[] = [];
  private tail = '';
  private wholeLines = 0;
  private listeners = new Set<() => void>();

  get lineCount(): number {
    return this.wholeLines + (this.tail === '' ? 0 : 1);
  }

  append(text: string): void {
    for (let at = 0; at < text.length; at += pieceCharacters) this.add(text.slice(at, at + pieceCharacters));
    this.tell();
  }

  end(): void {
    this.isComplete = true;
    this.tell();
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** A line with its colours; `left` is how many characters of it are not shown. */
  line(number: number): Line {
    const { raw, look } = this.rawLine(number);
    return { spans: spansOf(raw.slice(0, mostShown), look), left: Math.max(0, raw.length - mostShown) };
  }

  /**
   * Goes through the text from a line on, letting the page breathe, and gives the lines that the expression finds, each
   * once. The expression must be global. The last line is looked at only once it has its end.
   */
  async *scan(
    expression: RegExp,
    from: number,
    signal: AbortSignal,
  ): AsyncGenerator<{ lines: number[]; next: number }> {
    const breathe = createBreather();
    const pieces = this.pieces;
    for (let index = Math.max(0, this.pieceOf(from)); index < pieces.length; index++) {
      const piece = pieces[index]!;
      const start = Math.max(from, piece.first);
      const text = piece.text.slice(piece.starts[start - piece.first] ?? piece.text.length);
      yield { lines: linesWith(expression, text, start), next: piece.first + piece.starts.length };
      await breathe();
      if (signal.aborted) return;
    }
    if (this.isComplete && this.tail !== '' && from <= this.wholeLines)
      yield { lines: linesWith(expression, this.tail, this.wholeLines), next: this.wholeLines + 1 };
  }

  private add(text: string): void {
    const cut = text.lastIndexOf('\n') + 1;
    if (cut === 0) {
      this.tail += text;
      return;
    }
    const whole = this.tail + text.slice(0, cut);
    this.tail = text.slice(cut);
    let piece = this.pieces.at(-1);
    if (!piece || piece.text.length + whole.length > pieceCharacters) {
      const look = piece?.lookAfter ?? plain;
      piece = {
        text: '',
        starts: [],
        first: this.wholeLines,
        lookBefore: look,
        lookAfter: look,
        looks: null,
      };
      this.pieces.push(piece);
    }
    const offset = piece.text.length;
    for (let at = 0; at < whole.length; at = whole.indexOf('\n', at) + 1) {
      piece.starts.push(offset + at);
      this.wholeLines++;
    }
    piece.text += whole;
    piece.looks = null;
    if (hasSequences(whole)) piece.lookAfter = lookAfter(whole, piece.lookAfter);
  }

  private rawLine(number: number): { raw: string; look: Look } {
    if (number >= this.wholeLines) return { raw: this.tail, look: this.pieces.at(-1)?.lookAfter ?? plain };
    const piece = this.pieces[this.pieceOf(number)]!;
    const at = number - piece.first;
    const raw = piece.text.slice(piece.starts[at], piece.starts[at + 1] ?? piece.text.length);
    piece.looks ??= looksOf(piece);
    return { raw: raw.replace(/\r?\n$/, ''), look: piece.looks[at] ?? piece.lookBefore };
  }

  private pieceOf(line: number): number {
    let [low, high] = [0, this.pieces.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.pieces[middle]!.first <= line) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  private tell(): void {
    for (const listener of this.listeners) listener();
  }
}

/** Empty where the whole piece has one look. */
function looksOf({ text, starts, lookBefore }: Piece): Look[] {
  if (!hasSequences(text)) return [];
  let look = lookBefore;
  return starts.map((start, index) => {
    const before = look;
    const line = text.slice(start, starts[index + 1] ?? text.length);
    if (hasSequences(line)) look = lookAfter(line, look);
    return before;
  });
}

function linesWith(expression: RegExp, text: string, first: number): number[] {
  const plainText = hasSequences(text) ? withoutSequences(text) : text;
  const lines: number[] = [];
  let line = first;
  let seen = 0;
  expression.lastIndex = 0;
  for (let match = expression.exec(plainText); match; match = expression.exec(plainText)) {
    for (let at = plainText.indexOf('\n', seen); at !== -1 && at < match.index;) {
      line++;
      seen = at + 1;
      at = plainText.indexOf('\n', seen);
    }
    lines.push(line);
    // On to the next line: each counts once.
    const end = plainText.indexOf('\n', match.index);
    if (end === -1) break;
    expression.lastIndex = end + 1;
  }
  return lines;
}
