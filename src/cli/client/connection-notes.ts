import { clockTime } from './moment.ts';
import type { Io } from './io.ts';
import type { Output } from './output.ts';

/** Says when a stream drops and when it is back, once each, however often it is tried in between. */
export function connectionNotes(io: Io, out: Output): (state: 'open' | 'lost') => void {
  let isLost = false;
  return (state) => {
    if (state === 'lost' && !isLost)
      out.note(`${clockTime(io.now())}  The connection was lost; trying again …`);
    if (state === 'open' && isLost)
      out.note(`${clockTime(io.now())}  Connected again; nothing was left out.`);
    isLost = state === 'lost';
  };
}
