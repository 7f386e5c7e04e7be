import { randomUUID } from 'node:crypto';
import type { Commit } from './deployment.ts';

/** What a script of Hookline's own has handed back. */
export type Report = { applicationDirectory?: string; commit?: Commit };

/**
 * Takes the lines out of a script's output that hand something back; `word` is what they begin with, and nobody but the
 * script knows it. The rest is given on line by line.
 */
export function createReportReader(give: (text: string) => Promise<void> | void): {
  word: string;
  push(text: string): Promise<void>;
  end(): Promise<Report>;
} {
  const word = `hookline-report-${randomUUID()}`;
  const report: Report = {};
  let rest = '';
  return {
    word,
    async push(text) {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      const shown = lines.filter((line) => {
        if (!line.startsWith(`${word} `)) return true;
        const [, name, value = ''] = line.split(' ');
        read(report, name, Buffer.from(value, 'base64').toString('utf8'));
        return false;
      });
      if (shown.length > 0) await give(`${shown.join('\n')}\n`);
    },
    async end() {
      if (rest !== '') await give(rest);
      return report;
    },
  };
}

function read(report: Report, name: string | undefined, value: string): void {
  if (name === 'application_dir') report.applicationDirectory = value;
  if (name === 'commit') report.commit = readCommit(value);
}

/** Hash, author, e-mail, time and message, a line each; the message has the rest. */
function readCommit(text: string): Commit {
  const [hash = '', author_name = '', author_email = '', time = '', ...message] = text
    .replaceAll('\0', '')
    .split('\n');
  const committedAt = new Date(time);
  return {
    hash,
    author_name,
    author_email,
    committed_at: Number.isNaN(committedAt.getTime()) ? time : committedAt.toISOString(),
    message: message.join('\n').trim(),
  };
}
