import { CliFault } from './fault.ts';

/** Of `Name: value` texts. Throws a CliFault. */
export function headersOf(texts: string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const [, name, value] = /^([\w!#$%&'*+.^`|~-]+):\s*(.*)$/.exec(text) ?? [];
      if (name === undefined || value === undefined)
        throw new CliFault(`--header ${text}: give it as "Name: value".`, 'usage');
      return [name.toLowerCase(), value];
    }),
  );
}
