import pg from 'pg';
import type { Logger } from 'pino';
import { createBus, topics, type Bus, type Topic } from '../bus.ts';
import type { Connection } from './connect.ts';

const channel = 'hookline';
const reconnectMs = 1000;

/**
 * The bus of a node. With PostgreSQL a topic also goes to the other nodes by NOTIFY; a connection that was lost is
 * opened again, and since signals may have been missed meanwhile, every topic is then signalled once.
 */
export async function connectBus(
  connection: Connection,
  options: { databaseUrl: string | null; log: Logger },
): Promise<{ bus: Bus; close(): Promise<void> }> {
  const { pool } = connection;
  if (!pool || !options.databaseUrl) return { bus: createBus(), close: async () => undefined };

  const queued = new Set<string>();
  let sending = false;
  const bus = createBus((topic: Topic, id?: number) => {
    queued.add(id === undefined ? topic : `${topic}:${id}`);
    if (!sending) {
      sending = true;
      setImmediate(() => void send());
    }
  });
  /** One at a time: many changes are one signal, and signals never take more than one connection of the pool. */
  const send = async () => {
    while (queued.size > 0) {
      // A payload has 8000 bytes at most.
      const some = [...queued].slice(0, 200);
      for (const name of some) queued.delete(name);
      const names = some.join(',');
      await pool.query('select pg_notify($1, $2)', [channel, names]).catch(() => undefined); // polling finds what is missed
    }
    sending = false;
  };

  let closing = false;
  let client: pg.Client | null = null;
  let timer: NodeJS.Timeout | null = null;
  const listen = async (): Promise<void> => {
    const next = new pg.Client({
      connectionString: options.databaseUrl!,
      application_name: 'hookline listen',
    });
    const retry = () => {
      if (closing || client !== next) return;
      client = null;
      timer = setTimeout(() => void listen(), reconnectMs);
    };
    client = next;
    next.on('error', retry);
    next.on('end', retry);
    next.on('notification', ({ payload }) => {
      for (const text of (payload ?? '').split(',')) {
        const [name, id] = text.split(':');
        const topic = topics.find((one) => one === name);
        if (topic) bus.deliverRemote(topic, id === undefined ? undefined : Number(id));
      }
    });
    try {
      await next.connect();
      await next.query(`listen ${channel}`);
      for (const topic of topics) bus.deliverRemote(topic);
    } catch (error) {
      options.log.warn({ err: error }, 'cannot listen for the signals of other nodes; trying again');
      retry();
    }
  };
  await listen();

  return {
    bus,
    async close() {
      closing = true;
      if (timer) clearTimeout(timer);
      await client?.end().catch(() => undefined);
    },
  };
}
