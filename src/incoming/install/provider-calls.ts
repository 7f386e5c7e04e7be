import type { RequestMethod } from '../../outgoing/exchange.ts';
import type { HttpClient } from '../../outgoing/http-client.ts';
import type { Answered } from '../../outgoing/retry-schedule.ts';
import type { Clock } from '../../platform/clock.ts';
import { AppError } from '../../platform/errors.ts';
import { createMasker } from '../../platform/mask-secrets.ts';
import {
  providerRow,
  valueAt,
  type ProviderHook,
  type Repository,
  type WantedHook,
} from './provider-hooks.ts';
import { hostNames, notTheApi, refusal, retryAfterSeconds } from './refusal.ts';

/** A page of a hundred webhooks has some hundred kilobytes. */
const mostAnswerBytes = 4 * 1024 * 1024;
const mostPages = 50;
/** More than any provider allows a repository. */
const mostHooks = 10_000;
/** Of all calls together; each by itself has the time of any request. */
const mostMs = 60_000;

export type CallContext = { client: HttpClient; clock: Clock; userAgent: string };

/** What came of a change: the webhook and what the answer says against it, or the refusal, for whoever asked. */
type Changed =
  | { kind: 'done'; hook: ProviderHook; doubts: string[] }
  | { kind: 'refused'; status: number; error: AppError };

export type ProviderCalls = {
  /** Every webhook of the repository. */
  list(): Promise<ProviderHook[]>;
  create(wanted: WantedHook): Promise<Changed>;
  update(hook: ProviderHook, wanted: WantedHook): Promise<Changed>;
  /** Null when it is gone, else the refusal. */
  remove(hook: ProviderHook): Promise<{ status: number; error: AppError } | null>;
};

/**
 * The webhooks of a repository through the API of its provider. Throws AppError `conflict` for what somebody must set
 * right, `too_many` and `unavailable`, with the seconds to wait, for what passes. No error holds one of the `secrets`.
 */
export function providerCalls(
  { client, clock, userAgent }: CallContext,
  repository: Repository,
  { token, secrets }: { token: string; secrets: string[] },
): ProviderCalls {
  const row = providerRow(repository.host);
  const url = repository.base + row.path(repository);
  const begunAt = clock.elapsed();
  const maskAll = createMasker([token, ...secrets]);

  const call = async (method: RequestMethod, target: string, body: object | null): Promise<Said> => {
    if (clock.elapsed() - begunAt > mostMs) throw unavailable('It takes too long.');
    const answer = await client.request({
      method,
      url: target,
      headers: {
        'user-agent': userAgent,
        ...row.headers,
        authorization: `Bearer ${token}`,
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      body: body ? JSON.stringify(body) : '',
      keptBytes: mostAnswerBytes,
    });
    if (answer.kind === 'no-answer') {
      if (answer.refused)
        throw new AppError('conflict', `${hostNames[repository.host]} was not asked: ${answer.reason}`);
      throw unavailable(maskAll(answer.reason));
    }
    if (answer.isCut) throw unavailable('Its answer broke off, or was too long.');
    // What it repeats of ours is masked before anything is cut out of it.
    const headers = Object.fromEntries(
      Object.entries(answer.headers).map(([name, value]) => [name, maskAll(value)]),
    );
    const said = { ...answer, headers };
    if (answer.status >= 200 && answer.status < 300)
      return { answer: said, json: parse(answer.body), error: null };
    const json = parse(maskAll(answer.body));
    return { answer: said, json, error: refusal({ answer: said, json }, repository, clock.now()) };
  };
  const unavailable = (reason: string) =>
    new AppError(
      'unavailable',
      `${hostNames[repository.host]} could not be asked. ${reason} Try again later.`,
      {
        retryAfterSeconds,
      },
    );
  const changed = ({ answer, json, error }: Said, wanted: WantedHook): Changed => {
    if (error) return { kind: 'refused', status: answer.status, error };
    const hook = read(json);
    if (!hook) throw notTheApi(answer, repository);
    return { kind: 'done', hook, doubts: row.doubts(json, wanted) };
  };
  const read = (json: unknown): ProviderHook | null => {
    const [id, given, at] = [row.fields.id, row.fields.url, row.fields.createdAt].map((path) =>
      valueAt(json, path),
    );
    // It becomes a part of an address, is kept and shown.
    if ((typeof id !== 'string' && typeof id !== 'number') || !/^[\w{}-]{1,200}$/.test(String(id)))
      return null;
    const createdAt = typeof at === 'number' ? at : Date.parse(String(at));
    return { id: String(id), url: typeof given === 'string' ? given : '', createdAt: createdAt || 0 };
  };
  const one = ({ id }: ProviderHook) => `${url}/${encodeURIComponent(id)}`;

  return {
    async list() {
      const hooks: ProviderHook[] = [];
      let query: string | null = row.firstPage;
      for (let page = 0; query !== null; page++) {
        if (page >= mostPages) throw unavailable('Its list of webhooks does not end.');
        const { answer, json, error }: Said = await call('GET', url + query, null);
        if (error) throw error;
        const listed = row.listIn(json);
        if (!Array.isArray(listed)) throw notTheApi(answer, repository);
        // Not spread: as arguments so many would not fit.
        for (const item of listed) {
          const hook = read(item);
          if (hook) hooks.push(hook);
        }
        if (hooks.length > mostHooks) throw unavailable('Its list of webhooks does not end.');
        query = row.nextPage({ headers: answer.headers, json });
      }
      return hooks;
    },
    create: async (wanted) => changed(await call('POST', url, row.create(wanted)), wanted),
    update: async (hook, wanted) =>
      changed(await call(row.update.method, one(hook), row.update.body(wanted)), wanted),
    async remove(hook) {
      const { answer, error } = await call('DELETE', one(hook), null);
      return error && { status: answer.status, error };
    },
  };
}

type Said = { answer: Answered; json: unknown; error: AppError | null };

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
