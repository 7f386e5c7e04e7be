import { useRouter } from '@tanstack/react-router';
import { useEffect } from 'react';
import { areas } from './areas.ts';

/** How long `g` waits for the key after it. */
const jumpMs = 1200;

/** `g a` and its like jump to an area, `?` shows the keys. None of it while one types. */
export function useShortcuts(showKeys: () => void): void {
  const router = useRouter();
  useEffect(() => {
    let jumpUntil = 0;
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (event.key === '?') {
        event.preventDefault();
        showKeys();
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

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      target.matches('input, textarea, select, [role="textbox"], [role="combobox"]'))
  );
}
