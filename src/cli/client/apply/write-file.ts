import { Document, isMap, isSeq, visit, type Node } from 'yaml';
import type { Fields } from './kinds.ts';

const top = ` yaml-language-server: $schema=hookline.schema.json
 An environment of Hookline: what "hookline export" has written, and what "hookline apply -f" makes true.
 Things are known by their names. What is left out is as by default. Secrets are not here, but where they are
 to be found: { env: NAME } is an environment variable, { file: path } a file beside this one.
 "hookline apply --schema > hookline.schema.json" gives editors the form of it.`;

/** The text of a file: scripts as blocks, short lists on one line, a blank line between the larger things. */
export function writeEnvironmentFile(value: Fields): string {
  const document = new Document(value, { aliasDuplicateObjects: false });
  document.commentBefore = top;
  visit(document, {
    // A block would lose these, or show them so that nobody sees them.
    Scalar: (_, node) => {
      if (typeof node.value === 'string' && /\r|^[\s]|\n\s*\n$|[\u0085\u2028\u2029\ufeff]/.test(node.value))
        node.type = 'QUOTE_DOUBLE';
    },
    Seq: (_, node) => void (node.flow = isShort(node)),
    Map: (_, node) => {
      const [first, ...others] = node.items;
      const key = first ? String(first.key) : '';
      node.flow =
        node.items.length === 0 || (others.length === 0 && ['env', 'file', 'organization'].includes(key));
    },
  });
  spaceOut(document.contents);
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

/** Of plain values that fit on a line. */
function isShort(node: { items: unknown[]; toJSON(): unknown }): boolean {
  return !node.items.some((item) => isMap(item) || isSeq(item)) && JSON.stringify(node.toJSON()).length <= 80;
}

const spaced = new Set(['credentials', 'servers', 'applications']);
const spacedWithin = new Set(['pipelines']);

function spaceOut(contents: Node | null): void {
  if (!isMap(contents)) return;
  for (const { key, value } of contents.items) {
    if (!spaced.has(String(key))) continue;
    // Safe: the keys of a document that was made from a value are nodes.
    (key as Node).spaceBefore = true;
    if (!isSeq(value)) continue;
    for (const [index, item] of value.items.entries()) {
      if (!isMap(item)) continue;
      item.spaceBefore = index > 0;
      for (const part of item.items)
        if (spacedWithin.has(String(part.key))) (part.key as Node).spaceBefore = false;
    }
  }
}
