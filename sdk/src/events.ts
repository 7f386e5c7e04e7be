import { follow, type FollowOptions } from './follow.ts';
import type { Action } from './generated/types.gen.ts';

type Changed = { id: number; status: Action['status'] } & Record<string, unknown>;

/** What happens to an action; `id` is where to go on from. */
export type ActionEvent =
  | { id: number; type: 'log'; data: { step_id: number; content: string } }
  | { id: number; type: 'action' | 'target' | 'step'; data: Changed };

export type EventOptions = FollowOptions & {
  /** Only what follows the event of this id. */
  after?: number;
};

/**
 * What happens to an action from its beginning to its end, live. A stream that drops is taken up again after the last
 * event, nothing twice and nothing left out. Throws a HooklineError when the server refuses it.
 */
export async function* events(
  actionId: number,
  options: EventOptions = {},
): AsyncGenerator<ActionEvent, void, undefined> {
  let last = options.after ?? 0;
  const messages = follow(
    { url: '/actions/{action_id}/events', path: { action_id: actionId } },
    { ...options, lastId: last > 0 ? String(last) : undefined },
  );
  for await (const message of messages) {
    const id = Number(message.id);
    if (!(id > last)) continue;
    last = id;
    // Safe: the server's document describes these.
    yield { id, type: message.event, data: JSON.parse(message.data) } as ActionEvent;
  }
}
