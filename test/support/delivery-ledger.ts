import type { Behaviour } from './behaviour.ts';
import { steps } from './event-writer.ts';
import { startReceiver } from './receiver.ts';
import type { ReceivedRequest, Receiver } from './receiver.ts';

/** The target of a hook; `name` has no slash. */
export const targetOf = ({ url }: { url: string }, name: string): string =>
  `${url}/${name}/{{ action.id }}/{{ action.status }}`;

export type DeliveryLedger = {
  receiver: Receiver;
  /** Requests so far, repeats included. */
  count(): number;
  /** The ids under which each event has come, by its path, `/hook/action/status`. */
  ids: ReadonlyMap<string, ReadonlySet<string>>;
  /** What must never happen, in words; grows. */
  faults: readonly string[];
  /** Events that came again although they had been answered with 200 before: when that answer went out, and when it came. */
  repeats: readonly { id: string; path: string; answeredAt: number; at: number }[];
};

type Last = { step: number; isTaken: boolean; answeredAt: number };

/**
 * A receiver that checks at every request that, of its hook and action, it is the event that was sent last or the very
 * next one, and this only after the last one was answered with 200. `behave` decides the answers that fail.
 */
export async function startLedger(behave: (path: string) => Behaviour): Promise<DeliveryLedger> {
  const lasts = new Map<string, Last>();
  const ids = new Map<string, Set<string>>();
  const faults: string[] = [];
  const repeats: { id: string; path: string; answeredAt: number; at: number }[] = [];

  const enter = ({ path, headers, at }: ReceivedRequest): Behaviour => {
    const id = String(headers['webhook-id']);
    const slash = path.lastIndexOf('/');
    const key = path.slice(0, slash);
    const step = steps.indexOf(path.slice(slash + 1) as (typeof steps)[number]);
    const last = lasts.get(key) ?? { step: -1, isTaken: true, answeredAt: 0 };
    const before = last.step < 0 ? 'nothing' : steps[last.step];
    if (step === last.step) {
      if (last.isTaken) repeats.push({ id, path, answeredAt: last.answeredAt, at });
    } else if (step !== last.step + 1) faults.push(`${path} came after ${before}`);
    // A timer may fire a millisecond early.
    else if (!last.isTaken || at < last.answeredAt - 1)
      faults.push(`${path} came before ${before} had ended`);
    const behaviour = behave(path);
    const isTaken = behaviour.kind === 'answer' && behaviour.status === 200;
    const delayMs = behaviour.kind === 'answer' ? (behaviour.delayMs ?? 0) : 0;
    lasts.set(key, { step, isTaken, answeredAt: at + delayMs });
    const known = ids.get(path);
    if (known) known.add(id);
    else ids.set(path, new Set([id]));
    return behaviour;
  };

  const receiver = await startReceiver({ behave: enter });
  return { receiver, count: () => receiver.requests.length, ids, faults, repeats };
}

/**
 * Chooses among failures by their share; nothing fails more than `most` times in a row, since its next retry would be
 * too far away even for a fast clock.
 */
export function failAtRandom(
  failures: readonly { share: number; behaviour: Behaviour }[],
  most = 3,
): (path: string) => Behaviour {
  const inARow = new Map<string, number>();
  return (path) => {
    let left = Math.random();
    const failed = inARow.get(path) ?? 0;
    const failure = failures.find(({ share }) => (left -= share) < 0);
    if (!failure || failed >= most) {
      inARow.delete(path);
      return { kind: 'answer', status: 200 };
    }
    const { behaviour } = failure;
    if (behaviour.kind !== 'answer' || behaviour.status !== 200) inARow.set(path, failed + 1);
    return behaviour;
  };
}
