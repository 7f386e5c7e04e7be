import { useRouter } from '@tanstack/react-router';
import { useEffect } from 'react';
import { areas } from './areas.ts';
import { palette } from './palette-store.ts';

/** How long `g` waits for the key after it. */
const jumpMs = 1200;

/** The search of the list that a page shows. */
const searchField = ['[type="search"]', '[aria-label^="Search"]', '[placeholder^="Search"]']
  .map((field) => `#content input${field}`)
  .join();

/**
 * Ctrl or ⌘ K opens the palette, `g a` and its like jump to an area, `/` goes to the search of the list, or to that of everything, and `?` shows the keys.
 * None of it while one types or a dialog is open.
 */
export function useShortcuts(showKeys: () => void): void {
  const router = useRouter();
  useEffect(() => {
    let jumpUntil = 0;
    const onKey = (event: KeyboardEvent) => {
      // Also while one types; what is pressed before the palette is loaded opens it once it is.
      if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        palette.toggle();
        return;
      }
      if (event.ctrlKey || event.metaKey || event.altKey || isBusy(event)) return;
      if (event.key === '?') {
        event.preventDefault();
        showKeys();
      } else if (event.key === '/') {
        event.preventDefault();
        const field = document.querySelector<HTMLInputElement>(searchField);
        field?.focus();
        if (field) field.select();
        else palette.open();
      } else if (event.key === 'g') {
        jumpUntil = event.timeStamp + jumpMs;
      } else if (event.timeStamp < jumpUntil) {
        jumpUntil = 0;
        const area = areas.find(({ key }) => key === event.key);
        if (!area) return;
        event.preventDefault();
        void router.navigate({ to: area.to });
      }
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [router, showKeys]);
}

function isBusy({ target, defaultPrevented }: KeyboardEvent): boolean {
  const isTyping =
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      target.matches('input, textarea, select, [role="textbox"], [role="combobox"]'));
  return isTyping || defaultPrevented || document.querySelector('[role="dialog"]') !== null;
}
