import { stripVTControlCharacters } from 'node:util';

/** A sequence that has not ended after so many characters is none. */
const longestSequence = 256;

/** Takes colours and other control sequences of terminals out of a text that comes in pieces, whatever the cuts. */
export function createColourStripper(): { push(text: string): string; end(): string } {
  let held = '';
  return {
    push(text) {
      const whole = held + text;
      const escape = whole.lastIndexOf('\u001b');
      const isOpen =
        escape >= 0 && whole.length - escape < longestSequence && !isComplete(whole.slice(escape));
      held = isOpen ? whole.slice(escape) : '';
      return stripVTControlCharacters(isOpen ? whole.slice(0, escape) : whole);
    },
    end() {
      const rest = held;
      held = '';
      return stripVTControlCharacters(rest);
    },
  };
}

function isComplete(sequence: string): boolean {
  return stripVTControlCharacters(sequence) !== sequence;
}
