import type { ClaimedDelivery } from './claim.ts';

/** Requests that one hook has under way at the same time. */
const mostSending = 4;
/** Claimed ahead, of a hook whose receiver is quick: one claim then serves many requests. */
const mostAhead = 64;

type Places = { waiting: ClaimedDelivery[]; sending: number; allowance: number };

/**
 * What is claimed and waits for a place of its hook. Hooks take turns, those with the fewest requests under way first:
 * a receiver that does not answer then keeps nobody from a first place.
 */
export function createHookPlaces() {
  const hooks = new Map<number, Places>();
  /** Those with something waiting and a place free, by how many they have under way; the one whose turn it is first. */
  const ready = Array.from({ length: mostSending }, () => new Set<number>());
  const placesOf = (hookId: number): Places => {
    let places = hooks.get(hookId);
    if (!places) hooks.set(hookId, (places = { waiting: [], sending: 0, allowance: mostSending }));
    return places;
  };
  const look = (hookId: number, { waiting, sending }: Places) => {
    for (const [count, hookIds] of ready.entries()) {
      if (count !== sending || waiting.length === 0) hookIds.delete(hookId);
      else hookIds.add(hookId);
    }
  };

  return {
    /** How many more of a hook may be claimed: many at a time, when few wait. */
    free(hookId: number): number {
      const places = hooks.get(hookId);
      if (!places) return mostSending;
      if (places.waiting.length >= mostSending) return 0;
      return Math.max(0, places.allowance - places.waiting.length - places.sending);
    },

    /** How many of a hook are claimed. */
    held(hookId: number): number {
      const places = hooks.get(hookId);
      return places ? places.waiting.length + places.sending : 0;
    },

    add(claimed: ClaimedDelivery): void {
      const places = placesOf(claimed.row.hook_id);
      places.waiting.push(claimed);
      look(claimed.row.hook_id, places);
    },

    /** The next one to begin; `ended` must be called for it. */
    next(): ClaimedDelivery | null {
      const [hookId] = ready.find(({ size }) => size > 0) ?? [];
      if (hookId === undefined) return null;
      const places = hooks.get(hookId)!;
      const claimed = places.waiting.shift()!;
      places.sending++;
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
        const dropped = places?.waiting.splice(0) ?? [];
        if (places) look(id, places);
        return dropped;
      });
    },

    /** Takes back what was claimed ahead of hooks that have become slow since. */
    dropSurplus(): ClaimedDelivery[] {
      const dropped: ClaimedDelivery[] = [];
      for (const [hookId, places] of hooks) {
        if (places.waiting.length <= places.allowance) continue;
        dropped.push(...places.waiting.splice(places.allowance));
        look(hookId, places);
      }
      return dropped;
    },

    /** Forgets hooks of which nothing is claimed, or every hook there ever was would stay in memory. */
    forgetIdle(): void {
      for (const [hookId, { waiting, sending }] of hooks) {
        if (waiting.length === 0 && sending === 0) hooks.delete(hookId);
      }
    },

    waiting(): ClaimedDelivery[] {
      return [...hooks.values()].flatMap((places) => places.waiting);
    },
  };
}
