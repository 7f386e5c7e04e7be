import { configureHookline } from '#sdk';
import { addressOf } from '../app/page.ts';

/** The page's calls go with its cookie; the header says that they come from our page, which no foreign one can send. */
export function connectApi(): void {
  // Who asks through a query repeats it already.
  configureHookline({ baseUrl: addressOf('api'), headers: { 'x-hookline-csrf': '1' }, retries: 0 });
}
