import type { ClaimedDelivery } from './claim.ts';

/** Requests that one hook has under way at the same time. */
const mostSending = 4;
/** Claimed ahead, of a hook whose receiver is quick: one claim then serves many requests. */
const mostAhead = 64;

type Places = { waiting: ClaimedDelivery[]; sending: number; allowance: number };

/** What is claimed and waits for a place of its hook; hooks take turns. */
export function createHookPlaces() {
  const hooks = new Map<number, Places>();
  /** Those with something waiting and a place free, the one whose turn it is first. */
  const ready = new Set<number>();
  const placesOf = (hookId: number): Places => {
    let places = hooks.get(hookId);
    if (!places) hooks.set(hookId, (places = { waiting: [], sending: 0, allowance: mostSending }));
    return places;
  };
  const look = (hookId: number, { waiting, sending }: Places) => {
    if (waiting.length > 0 && sending < mostSending) ready.add(hookId);
    else ready.delete(hookId);
  };

  return {
    /** How many more of a hook may be claimed: many at a time, when few wait. */
    free(hookId: number): number {
      const places = hooks.get(hookId);
      if (!places) return mostSending;
      if (places.waiting.length >= mostSending) return 0;
      return Math.max(0, places.allowance - places.waiting.length - places.sending);
    },

    add(claimed: ClaimedDelivery): void {
      const places = placesOf(claimed.row.hook_id);
      places.waiting.push(claimed);
      look(claimed.row.hook_id, places);
    },

    /** The next one to begin; `ended` must be called for it. */
    next(): ClaimedDelivery | null {
      const [hookId] = ready;
      if (hookId === undefined) return null;
      const places = hooks.get(hookId)!;
      const claimed = places.waiting.shift()!;
      places.sending++;
      ready.delete(hookId);
      look(hookId, places);
      return claimed;
    },

    ended({ row }: ClaimedDelivery, { wasQuick }: { wasQuick: boolean }): void {
      const places = hooks.get(row.hook_id)!;
      places.sending--;
      places.allowance = wasQuick ? Math.min(places.allowance * 2, mostAhead) : mostSending;
      look(row.hook_id, places);
    },

    /** Takes back what waits: of one hook, or of all of them. */
    drop(hookId?: number): ClaimedDelivery[] {
      const ids = hookId === undefined ? [...hooks.keys()] : [hookId];
      return ids.flatMap((id) => {
        const places = hooks.get(id);
        ready.delete(id);
        return places?.waiting.splice(0) ?? [];
      });
    },

    waiting(): ClaimedDelivery[] {
      return [...hooks.values()].flatMap((places) => places.waiting);
    },
  };
}
