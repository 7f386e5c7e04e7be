import type { Io } from './io.ts';
import { colour, paintStatus, renderFields, renderTable, type Column } from './table.ts';

/** What a command says. With `--json` standard output has JSON and nothing else. */
export type Output = {
  isJson: boolean;
  /** The rows as a table for people, as one JSON array for programs. */
  table<Row>(rows: Row[], columns: Column<Row>[]): void;
  /** One object: a line for each column for people, the whole object for programs. */
  fields<Row>(row: Row, columns: Column<Row>[]): void;
  /** A JSON document, whether or not it was asked for. */
  json(value: unknown): void;
  /** One of many, as they come: a line of JSON for programs, `text` for people. */
  event(value: unknown, text: string): void;
  /** A sentence for people; with `--json` it goes to standard error. */
  line(text: string): void;
  /** As it is, without an end of line: the output of a step. */
  raw(text: string): void;
  /** What goes on, in the last line of a terminal until anything else is said; nothing elsewhere. '' takes it away. */
  progress(text: string): void;
  /** Beside the result: a hint, a warning. */
  note(text: string): void;
  colour: (text: string, name: 'red' | 'green' | 'yellow' | 'blue' | 'dim' | 'bold') => string;
  status: (text: string) => string;
};

export function createOutput(io: Io, isJson: boolean): Output {
  let hasProgress = false;
  const clear = () => {
    if (hasProgress) io.stderr('\r\x1b[2K');
    hasProgress = false;
  };
  const print = (text: string) => {
    clear();
    io.stdout(text);
  };
  const note = (text: string) => {
    clear();
    io.stderr(`${text}\n`);
  };
  const json = (value: unknown) => print(`${safeJson(value ?? null, 2)}\n`);
  return {
    isJson,
    table(rows, columns) {
      if (isJson) return json(rows);
      if (rows.length === 0) return note('There are none.');
      print(`${renderTable(rows, columns, io).join('\n')}\n`);
    },
    fields(row, columns) {
      if (isJson) return json(row);
      print(`${renderFields(row, columns, io).join('\n')}\n`);
    },
    json,
    event: (value, text) => print(isJson ? `${safeJson(value)}\n` : `${text}\n`),
    line: (text) => (isJson ? note(text) : print(`${text}\n`)),
    raw: print,
    progress(text) {
      if (!io.isErrorTerminal) return;
      clear();
      if (text === '') return;
      io.stderr(text.slice(0, Math.max(1, io.columns() - 1)));
      hasProgress = true;
    },
    note,
    colour: (text, name) => colour(text, name, io),
    status: (text) => paintStatus(text, io),
  };
}

/** JSON escapes what steers a terminal only in part; the rest means the same when it is written out. */
export function safeJson(value: unknown, indentation?: number): string {
  return JSON.stringify(value, null, indentation).replace(
    /[\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
