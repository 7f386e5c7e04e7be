import { plain } from '../io.ts';
import type { Output } from '../output.ts';
import type { ImportedHook, Note } from './convert.ts';
import { referenceTo } from './to-environment-file.ts';

/** What holds for every hook that comes from webhook. */
const general = [
  'Each hook has a new address; the sender must be given it.',
  'The answer comes at once, 202 with the number of the action; a repeat of a delivery is recognised and runs nothing.',
  'A program gets a clean environment (PATH, HOME and the like, variables of the application, what the hook passes), runs as the user of Hookline on its machine, or on the servers that the application is linked to, and for at most an hour.',
  'Null and what is empty are passed like what is missing: an empty argument, and no variable of the environment.',
  'A rule about a list compares its items, not its JSON. Bodies are JSON or forms; XML and multipart are answered 415.',
];

/** Line by line, what has no counterpart and what behaves differently. Never shows a secret. */
export function printReport(
  out: Output,
  { file, hooks, toFile }: { file: string; hooks: ImportedHook[]; toFile: boolean },
): void {
  for (const hook of hooks) {
    const state = hook.active ? out.colour('active', 'green') : out.colour('inactive', 'yellow');
    out.line(`${out.colour(plain(hook.id || '(no id)'), 'bold')}  ${plain(file)}:${hook.line}  ${state}`);
    for (const note of hook.notes) out.line(`  ${lineOf(note, out)}`);
    const secret = hook.signature?.secret;
    if (toFile && secret) {
      const reference = referenceTo(hook, secret);
      const where = 'env' in reference ? `the variable ${reference.env}` : `the file ${reference.file}`;
      out.line(`  secret: taken from ${where} by whoever applies the file`);
    }
    if (hook.notes.length === 0) out.line('  as it was');
    out.line('');
  }
  out.line('For every hook:');
  for (const sentence of general) out.line(`  ${sentence}`);
  out.line('');
  out.line(summaryOf(hooks));
}

function lineOf({ line, field, kind, blocks, text }: Note, out: Output): string {
  const what =
    kind === 'missing'
      ? out.colour('no counterpart', blocks ? 'red' : 'yellow')
      : out.colour('differs', 'blue');
  return `line ${line}  ${plain(field)}  ${what}: ${plain(text)}${blocks ? ' So the hook is inactive.' : ''}`;
}

export function summaryOf(hooks: ImportedHook[]): string {
  const lost = hooks.flatMap(({ notes }) => notes).filter(({ kind }) => kind === 'missing').length;
  const inactive = hooks.filter(({ active }) => !active).length;
  const parts = [
    count(hooks.length, 'hook'),
    inactive === 0
      ? 'all active'
      : `${inactive} inactive until you have looked at ${inactive === 1 ? 'it' : 'them'}`,
    lost === 0 ? 'everything has a counterpart' : `${count(lost, 'setting')} without a counterpart`,
  ];
  return `${parts.join(', ')}.`;
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}
