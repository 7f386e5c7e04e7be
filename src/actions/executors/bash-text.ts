/** A text as one word of bash, on one line. */
export function quote(text: string): string {
  const escaped = text.replaceAll(/[\\']/g, String.raw`\$&`).replaceAll('\n', String.raw`\n`);
  return `$'${escaped.replaceAll('\r', String.raw`\r`)}'`;
}

/** A path as one word of bash, in which a leading `~/` is the home of whoever runs it. */
export function expandable(path: string): string {
  return path.startsWith('~/') ? `"$HOME"${quote(path.slice(1))}` : quote(path);
}

/** What gives a shell the variables of a step; a name that bash cannot have is left out. */
export function exportsOf({
  environment,
  paths,
}: {
  environment: Record<string, string>;
  paths: Record<string, string>;
}): { name: string; command: string }[] {
  const variables = Object.entries(environment).map(([name, value]) => ({ name, value: quote(value) }));
  const places = Object.entries(paths).map(([name, path]) => ({ name, value: expandable(path) }));
  return [...variables, ...places]
    .filter(({ name }) => /^[A-Za-z_]\w*$/.test(name))
    .map(({ name, value }) => ({ name, command: `export ${name}=${value}` }));
}
