import type { ApiClient } from './api-client.ts';

/** Everything that a list of the API holds, page after page, newest first. `path` has no query. */
export async function listAll<T>(api: ApiClient, path: string): Promise<T[]> {
  const all: T[] = [];
  for (let page = 1; ; page++) {
    const rows = await api.get<T[]>(`${path}?per_page=100&page=${page}`);
    all.push(...rows);
    if (rows.length < 100) return all;
  }
}

/** A delivery of an outgoing hook, as the API shows it. */
export type ListedDelivery = {
  id: string;
  hook_id: string;
  action_id: number;
  event: string;
  status: string;
  reason: string;
  attempts: number;
  next_attempt_at: string | null;
  content: string;
  created_at: string;
  updated_at: string;
};
