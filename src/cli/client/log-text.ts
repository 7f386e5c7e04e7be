/**
 * Takes out of the output of a step what would steer the terminal of whoever reads it: colours stay if they may, all
 * else goes. A sequence may be cut in two by the end of a piece; its beginning waits for the next piece.
 */
export function createLogCleaner(keepColours: boolean): (text: string) => string {
  let rest = '';
  return (text) => {
    const all = rest + text;
    const cut = unfinished.exec(all)?.index ?? all.length;
    rest = all.slice(cut);
    // A sequence that does not end is none.
    if (rest.length > longest) rest = '';
    return all
      .slice(0, cut)
      .replace(sequences, (found) => (keepColours && colours.test(found) ? found : ''))
      .replace(controls, '');
  };
}

const longest = 4096;
const sequences =
  // eslint-disable-next-line no-control-regex
  /\u001b(?:\[[\u0030-\u003f]*[\u0020-\u002f]*[\u0040-\u007e]|[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)|[\u0020-\u002f]+[\u0030-\u007e]|[\u0030-\u004f\u0051-\u0057\u0059\u005a\u005c\u0060-\u007e])/g;
// eslint-disable-next-line no-control-regex
const unfinished = /\u001b(?:\[[\u0020-\u003f]*|[\]PX^_][^\u0007\u001b]*\u001b?|[\u0020-\u002f]*)?$/;
// eslint-disable-next-line no-control-regex
const colours = /^\u001b\[[\d;:]*m$/;
// What is left of a sequence stays a mark of nothing; a line may be written over by a carriage return.
// eslint-disable-next-line no-control-regex
const controls = /[\u0000-\u0008\u000b\u000c\u000e-\u001a\u001c-\u001f\u007f-\u009f]|\u001b(?!\[[\d;:]*m)/g;
