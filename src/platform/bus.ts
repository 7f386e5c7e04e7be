import { EventEmitter } from 'node:events';

/**
 * What one part of the program tells another after a commit. A signal says "look again", never what changed:
 * each listener reads the database, so a lost or repeated signal does no harm.
 */
export type Topic = 'definitions' | 'actions' | 'deliveries' | 'recoveries' | 'stream';

export const topics: readonly Topic[] = ['definitions', 'actions', 'deliveries', 'recoveries', 'stream'];

export type Bus = {
  /** Tells this node's listeners at once and, with PostgreSQL, the other nodes'. `id` says which one to look at. */
  publish(topic: Topic, id?: number): void;
  /** Returns the function that ends the subscription. */
  subscribe(topic: Topic, listener: (id?: number) => void): () => void;
};

/** `relay` carries a topic to the other nodes; what comes back from them goes through `deliverRemote`. */
export function createBus(
  relay?: (topic: Topic, id?: number) => void,
): Bus & { deliverRemote(topic: Topic, id?: number): void } {
  const emitter = new EventEmitter();
  emitter.setMaxListeners(0);
  return {
    publish(topic, id) {
      emitter.emit(topic, id);
      relay?.(topic, id);
    },
    deliverRemote(topic, id) {
      emitter.emit(topic, id);
    },
    subscribe(topic, listener) {
      emitter.on(topic, listener);
      return () => void emitter.off(topic, listener);
    },
  };
}
