export type Language = 'shell' | 'json' | 'liquid' | 'text';
export type Token = {
  text: string;
  kind?: 'comment' | 'string' | 'variable' | 'keyword' | 'number' | 'template';
};
type Kind = NonNullable<Token['kind']>;

const template = String.raw`\{\{[\s\S]*?\}\}|\{%[\s\S]*?%\}`;

/** What each language's parts look like, in the order in which they are tried. */
const grammars: Record<Language, [Kind, string][]> = {
  text: [],
  shell: [
    ['template', template],
    ['comment', String.raw`(?<=^|[\s;])#[^\n]*`],
    ['string', String.raw`'[^']*'|"(?:\\[\s\S]|[^"\\])*"`],
    ['variable', String.raw`\$(?:\{[^}\n]*\}|\w+|[@#?*!$-])`],
    [
      'keyword',
      String.raw`\b(?:if|then|elif|else|fi|for|in|do|done|while|until|case|esac|function|return|exit|set|export|local|cd|echo|source|trap)\b(?![\w-])`,
    ],
    ['number', String.raw`(?<![\w.-])\d+\b`],
  ],
  json: [
    ['template', template],
    ['keyword', String.raw`"(?:\\.|[^"\\\n])*"(?=\s*:)`],
    ['string', String.raw`"(?:\\.|[^"\\\n])*"`],
    ['number', String.raw`-?\b\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\b`],
    ['variable', String.raw`\b(?:true|false|null)\b`],
  ],
  liquid: [['template', template]],
};

const compiled = new Map<Language, RegExp>();

/** The text in pieces, each with what it is; together they are the text again. */
export function highlight(text: string, language: Language): Token[] {
  const rules = grammars[language];
  if (rules.length === 0) return [{ text }];
  let pattern = compiled.get(language);
  if (!pattern) {
    pattern = new RegExp(rules.map(([kind, source]) => `(?<${kind}>${source})`).join('|'), 'gm');
    compiled.set(language, pattern);
  }
  const tokens: Token[] = [];
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > end) tokens.push({ text: text.slice(end, match.index) });
    const kind = rules.find(([name]) => match.groups?.[name] !== undefined)?.[0];
    tokens.push(kind ? { text: match[0], kind } : { text: match[0] });
    end = match.index + match[0].length;
  }
  if (end < text.length) tokens.push({ text: text.slice(end) });
  return tokens;
}
