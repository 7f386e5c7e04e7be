import { EventEmitter } from 'node:events';

/**
 * What one part of the program tells another after a commit. A signal says "look again", never what changed:
 * each listener reads the database, so a lost or repeated signal does no harm.
 */
export type Topic = 'definitions' | 'actions' | 'deliveries' | 'recoveries';

export const topics: readonly Topic[] = ['definitions', 'actions', 'deliveries', 'recoveries'];

export type Bus = {
  /** Tells this node's listeners at once and, with PostgreSQL, the other nodes'. */
  publish(topic: Topic): void;
  /** Returns the function that ends the subscription. */
  subscribe(topic: Topic, listener: () => void): () => void;
};

/** `relay` carries a topic to the other nodes; what comes back from them goes through `deliverRemote`. */
export function createBus(relay?: (topic: Topic) => void): Bus & { deliverRemote(topic: Topic): void } {
  const emitter = new EventEmitter();
  emitter.setMaxListeners(0);
  return {
    publish(topic) {
      emitter.emit(topic);
      relay?.(topic);
    },
    deliverRemote(topic) {
      emitter.emit(topic);
    },
    subscribe(topic, listener) {
      emitter.on(topic, listener);
      return () => void emitter.off(topic, listener);
    },
  };
}
