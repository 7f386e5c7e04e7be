import { createSpotlight } from '@mantine/spotlight';

/** Whether the command palette is open; known before the palette itself is loaded. */
export const [paletteStore, palette] = createSpotlight();

/** Chooses the first of what is shown, unless one has gone down the list already. */
export function choosePaletteFirst(): void {
  const { listId, selected } = paletteStore.getState();
  const actions = listId === '' ? [] : [...document.querySelectorAll(`#${listId} [data-action]`)];
  if (selected > 0 || actions.length === 0) return;
  for (const action of actions) action.removeAttribute('data-selected');
  actions[0]?.setAttribute('data-selected', 'true');
  paletteStore.updateState((state) => ({ ...state, selected: 0 }));
}
