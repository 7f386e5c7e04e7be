export type DotenvLine = { line: number } & ({ key: string; value: string } | { fault: string });

/**
 * The text of a `.env` file: `KEY=value`, also after `export`, with comments, in double quotes (in which `\n` and its
 * like count) or single ones, over several lines too. Of a key that stands twice the last one counts.
 */
export function parseDotenv(text: string): DotenvLine[] {
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  const found: DotenvLine[] = [];
  for (let index = 0; index < lines.length; index++) {
    const line = index + 1;
    const source = lines[index]!.trim();
    if (source === '' || source.startsWith('#')) continue;
    const [, key, start] = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$/s.exec(source) ?? [];
    if (key === undefined || start === undefined) {
      found.push({ line, fault: 'is not of the form KEY=value' });
      continue;
    }
    const quote = start[0];
    if (quote !== '"' && quote !== "'") {
      found.push({ line, key, value: start.replace(/(^|\s)#.*$/, '').trim() });
      continue;
    }
    let quoted = start.slice(1);
    while (endOf(quoted, quote) < 0 && index + 1 < lines.length) quoted += `\n${lines[++index]}`;
    const end = endOf(quoted, quote);
    if (end < 0) found.push({ line, fault: 'has a quote that does not end' });
    else
      found.push({ line, key, value: quote === '"' ? unescape(quoted.slice(0, end)) : quoted.slice(0, end) });
  }
  return found.filter(
    (entry, index) =>
      !('key' in entry) || !found.slice(index + 1).some((later) => 'key' in later && later.key === entry.key),
  );
}

/** Where the quote ends; in double quotes one after a backslash is part of the text. */
function endOf(text: string, quote: string): number {
  for (let index = 0; index < text.length; index++) {
    if (quote === '"' && text[index] === '\\') index++;
    else if (text[index] === quote) return index;
  }
  return -1;
}

const escapes: Record<string, string> = { n: '\n', r: '\r', t: '\t' };

function unescape(text: string): string {
  return text.replace(/\\(.)/gs, (_, character: string) => escapes[character] ?? character);
}

/** Whether a name sounds like a secret's; only a first guess, which one can change. */
export function soundsSecret(key: string): boolean {
  return /secret|token|passw|pwd|private|credential|(^|_)(key|pass|salt|dsn)(_|$)|api_?key|database_url/i.test(
    key,
  );
}
