import { readFile } from 'node:fs/promises';

/* What of a document a test can run: its blocks of commands, in order, with what stands above them in HTML comments. */

export type DocumentBlock = {
  /** `docs/guides/github.md:41`, for messages. */
  at: string;
  /** What is run, without the indentation of a list around it and without the `$ ` of a console. */
  script: string;
  /** `<!-- not run: reason -->` */
  notRun: string | null;
  /** `<!-- test: name -->` */
  name: string | null;
  /** `<!-- answers: 401 -->`: the last call of `curl` is answered so. */
  status: number | null;
  /** `<!-- exit: 3 -->`: how its last command ends. */
  exit: number;
  /** `<!-- keeps running -->`: until the end of the document. */
  keepsRunning: boolean;
  /** What it prints, from the block under it that is marked `<!-- prints -->`, or from a console; `…` is anything. */
  prints: string | null;
};

/** `<!-- file: hooks.json -->` above a block: what the reader is to have in a file. */
export type DocumentFile = { kind: 'file'; at: string; name: string; content: string };
export type DocumentPart = DocumentFile | ({ kind: 'commands' } & DocumentBlock);

/** Every comment that may stand above a block; another one is a mistyped one of these. */
const marksThere = [
  /^not run: /,
  /^test: /,
  /^file: \S+$/,
  /^prints$/,
  /^answers: \d{3}$/,
  /^exit: \d+$/,
  /^keeps running$/,
];

const shells = new Set([
  'bash',
  'sh',
  'shell',
  'zsh',
  'console',
  'shell-session',
  'shellsession',
  'terminal',
]);

export async function readDocument(path: string): Promise<{ parts: DocumentPart[]; loose: string[] }> {
  return documentParts(path, await readFile(path, 'utf8'));
}

/** `loose`: places with commands that stand in no fence, so that nobody would ever run them. */
export function documentParts(path: string, text: string): { parts: DocumentPart[]; loose: string[] } {
  const lines = text.split('\n');
  const parts: DocumentPart[] = [];
  const loose: string[] = [];
  let marks: string[] = [];
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index]!;
    const fence = /^(\s*)(```+|~~~+)\s*([\w-]*)/.exec(line);
    const at = `${path}:${index + 1}`;
    if (!fence) {
      const mark = /^\s*<!--\s*([\s\S]*?)\s*-->\s*$/.exec(line)?.[1];
      if (mark !== undefined) marks.push(mark);
      else if (line.trim() !== '' && !(marks.includes('prints') && line.startsWith('    '))) {
        if (marks.includes('prints')) throw new Error(`${at}: there is no block of what is printed`);
        marks = [];
      }
      if (marks.includes('prints') && /^ {4}\S/.test(line)) {
        const content = [line];
        while (/^(?: {4}|$)/.test(lines[index + 1] ?? 'end')) content.push(lines[++index]!);
        take(parts, { at, language: '', content: content.map((one) => one.slice(4)), marks });
        marks = [];
      } else if (isLooseCommand(line)) loose.push(at);
      continue;
    }
    const [, indentation = '', ticks = '', language = ''] = fence;
    const content: string[] = [];
    for (index++; index < lines.length && !lines[index]!.trim().startsWith(ticks); index++)
      content.push(lines[index]!.slice(indentOf(lines[index]!, indentation.length)));
    if (index === lines.length) throw new Error(`${at}: the block has no end`);
    const unknown = marks.find((mark) => !marksThere.some((pattern) => pattern.test(mark)));
    if (unknown !== undefined) throw new Error(`${at}: "${unknown}" means nothing above a block`);
    const isText = marks.some((mark) => /^(?:prints$|file: )/.test(mark));
    if (!isText && !shells.has(language.toLowerCase()) && isLooseCommand(`    ${content[0] ?? ''}`))
      loose.push(at);
    take(parts, { at, language: language.toLowerCase(), content, marks });
    marks = [];
  }
  return { parts, loose };
}

function take(
  parts: DocumentPart[],
  { at, language, content, marks }: { at: string; language: string; content: string[]; marks: string[] },
): void {
  const mark = (pattern: RegExp) => marks.map((one) => pattern.exec(one)?.[1]).find((one) => one) ?? null;
  const text = content.map((line) => `${line}\n`).join('');
  const name = mark(/^file: (\S+)$/);
  if (name !== null) parts.push({ kind: 'file', at, name, content: text });
  else if (marks.includes('prints')) {
    const last = parts.at(-1);
    if (last?.kind !== 'commands') throw new Error(`${at}: nothing stands above that could print this`);
    last.prints = text;
  } else if (shells.has(language)) {
    const isConsole = content.some((line) => line.startsWith('$ '));
    parts.push({
      kind: 'commands',
      at,
      ...(isConsole ? readConsole(content) : { script: text, prints: null }),
      notRun: mark(/^not run: (.+)$/s),
      name: mark(/^test: (.+)$/),
      status: Number(mark(/^answers: (\d{3})$/)) || null,
      exit: Number(mark(/^exit: (\d+)$/)),
      keepsRunning: marks.includes('keeps running'),
    });
  }
}

/** Commands behind `$ ` and `> `; all else is what they print. */
function readConsole(lines: string[]): { script: string; prints: string | null } {
  const script: string[] = [];
  const printed: string[] = [];
  for (const line of lines) {
    const isGoingOn = script.at(-1)?.endsWith('\\') === true && printed.length === 0;
    if (line.startsWith('$ ')) script.push(line.slice(2));
    else if (isGoingOn) script.push(line.replace(/^> /, ''));
    else printed.push(line);
  }
  const prints = printed.some((line) => line.trim() !== '') ? `${printed.join('\n')}\n` : null;
  return { script: `${script.join('\n')}\n`, prints };
}

function indentOf(line: string, most: number): number {
  return Math.min(most, /^\s*/.exec(line)![0].length);
}

/** A line that is code by its four spaces, and begins as a command does. */
function isLooseCommand(line: string): boolean {
  return /^ {4,}(?:\$ )?(?:curl|hookline(?! ALL=)|npm|npx|node|git (?:add|clone|commit|push)|docker|systemctl|sudo|ssh-keygen|export [A-Z_]+=|[A-Z_]+=\S+ npm)\b/.test(
    line,
  );
}
