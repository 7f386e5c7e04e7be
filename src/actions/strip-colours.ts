/*
 * The control sequences of terminals, by ECMA-48: CSI (colours, the cursor), strings such as titles and hyperlinks (OSC),
 * and short escapes. One that is longer than these bounds is none, so that nothing waits forever for its end.
 */
const esc = '\u001b';
const csi = String.raw`(?:${esc}\[|\u009b)[0-?]{0,128}[ -/]{0,8}`;
const string = String.raw`${esc}[\]PX^_][^\u0007${esc}\u009c]{0,4096}`;
const short = `${esc}[ -/]{0,8}`;
const sequence = new RegExp(
  String.raw`${csi}[@-~]|${string}(?:\u0007|${esc}\\|\u009c)|${short}[0-OQ-WYZ\\${'`'}a-~]`,
  'y',
);
/** What may become a sequence with what follows. */
const beginning = new RegExp(`(?:${csi}|${string}${esc}?|${short})$`, 'y');
const introducer = new RegExp(String.raw`[${esc}\u009b]`, 'g');

/** Takes colours and other control sequences of terminals out of a text that comes in pieces, whatever the cuts. */
export function createColourStripper(): { push(text: string): string; end(): string } {
  let held = '';
  return {
    push(text) {
      const { shown, rest } = strip(held + text);
      held = rest;
      return shown;
    },
    end() {
      // A sequence that was cut off, e.g. where the output was capped.
      const rest = held.slice(1);
      held = '';
      return rest === '' ? '' : strip(rest).shown;
    },
  };
}

/** From left to right, so that a cut changes nothing; `rest` may become a sequence with what follows. */
function strip(text: string): { shown: string; rest: string } {
  let shown = '';
  let from = 0;
  for (;;) {
    introducer.lastIndex = from;
    const at = introducer.exec(text)?.index;
    if (at === undefined) return { shown: shown + text.slice(from), rest: '' };
    shown += text.slice(from, at);
    sequence.lastIndex = at;
    if (sequence.test(text)) {
      from = sequence.lastIndex;
      continue;
    }
    beginning.lastIndex = at;
    if (beginning.test(text)) return { shown, rest: text.slice(at) };
    // Alone it means nothing, and what follows it is text.
    from = at + 1;
  }
}
