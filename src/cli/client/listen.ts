import { InvalidArgumentError, type Command } from 'commander';
import {
  addPipelineHook,
  deleteHook,
  getHook,
  hookDeliveries,
  listEnvironmentHooks,
  pages,
  type HookDelivery,
} from '#sdk';
import { connectionNotes } from './connection-notes.ts';
import { withClient, type ClientContext } from './context.ts';
import { CliFault } from './fault.ts';
import { addressOf, forward, type LocalAnswer } from './forward.ts';
import { createInOrder } from './in-order.ts';
import { plain } from './io.ts';
import { findId, isUuid } from './lookup.ts';
import { clockTime, momentOf } from './moment.ts';

type ListenOptions = {
  forward?: string;
  print?: boolean;
  events?: string;
  since?: string;
  create?: string;
  showSecret?: boolean;
  timeout: number;
  insecure?: boolean;
};

type ListenedHook = { id: string; name: string; secret: string | null; isTemporary: boolean };

/** Deliveries that can be repeated. */
const mostKept = 100;
const mostAtOnce = 32;
const masked = '********';

export function registerListen(program: Command): void {
  program
    .command('listen')
    .argument('[hook]', 'an outgoing hook, by its id or name; without one you choose')
    .option('--forward <address>', 'where each delivery goes: http://localhost:3000/path, or just 3000')
    .option('--print', 'show each delivery with its headers and body')
    .option('--events <names>', 'only these, with commas between them, as action.completed,action.failed')
    .option('--since <time>', 'begin with what was sent that long ago: 10m, 2h, 1d, or a time in ISO 8601')
    .option(
      '--create <pipeline>',
      'make an outgoing hook of this pipeline for the time being, and delete it at the end',
    )
    .option('--show-secret', 'with --create: print the secret that verifies its deliveries')
    .option('--insecure', 'take any certificate of the address, such as one of your own for localhost')
    .option('--timeout <seconds>', 'how long to wait for each answer', seconds, 30)
    .description("receive an outgoing hook's deliveries on this machine, without a public address")
    .addHelpText(
      'after',
      `
Each delivery comes as a copy: what the hook's real receiver gets stays as it is. Secrets in it are masked; its signature is
right. Deliveries of one action come one after the other. On a terminal, "r" and Enter repeats the last delivery, "r 3" the
third, "f" all that have failed.

Examples:
  $ hookline listen "Status page" --forward http://localhost:3000/webhooks
  $ hookline listen --create deploy --forward 3000/webhooks --show-secret
  $ hookline listen "Status page" --print --since 1h
  $ hookline listen "Status page" --forward 3000 --json | jq .answer.status`,
    )
    .action((hook: string | undefined, options: ListenOptions, command: Command) =>
      withClient(command, (context) => listen(context, hook, options)),
    );
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 3600)) throw new InvalidArgumentError('It must be a number from 1 to 3600.');
  return value;
}

async function listen(
  context: ClientContext,
  wanted: string | undefined,
  options: ListenOptions,
): Promise<void> {
  const { io, out, lastClient } = context;
  if (options.forward === undefined && !options.print && !out.isJson)
    throw new CliFault(
      'Say where the deliveries go, as in --forward http://localhost:3000/webhooks, or --print to see them.',
      'usage',
    );
  if (options.create !== undefined && wanted !== undefined)
    throw new CliFault('Name a hook, or a pipeline in --create; not both.', 'usage');
  const address = options.forward === undefined ? null : addressOf(options.forward);
  const since = options.since === undefined ? undefined : momentOf(options.since, io.now());
  const hook =
    options.create === undefined
      ? await chooseHook(context, wanted)
      : await createHook(context, options.create, options.events);
  try {
    if (!hook.isTemporary && options.events !== undefined) await mustAskFor(context, hook, options.events);
    const aim = address ? `forwarding to ${address.href}` : 'printing';
    out.note(`Hook "${plain(hook.name)}": waiting for deliveries, ${aim} … (ctrl-C ends)`);
    if (hook.secret !== null)
      out.note(
        options.showSecret
          ? `Its secret: ${hook.secret}`
          : 'With --show-secret it says the secret to verify them with.',
      );
    await receive(context, hook, { address, since, options });
  } finally {
    if (hook.isTemporary) await removeHook({ out, lastClient }, hook);
  }
}

async function mustAskFor({ client }: ClientContext, hook: ListenedHook, events: string): Promise<void> {
  const found = await getHook({ client, path: { hook_type: 'outgoing', hook_id: hook.id } });
  const trigger = 'trigger_when' in found ? found.trigger_when : null;
  const known: string[] = trigger && 'events' in trigger ? (trigger.events ?? []) : [];
  for (const name of events.split(',').map((part) => part.trim()))
    if (!known.includes(name))
      throw new CliFault(
        `The hook "${plain(hook.name)}" does not ask for ${plain(name)}. It asks for: ${known.join(', ')}.`,
        'usage',
      );
}

/** A delivery that came, by the number under which it is repeated. */
type Received = { number: number; delivery: HookDelivery; failed: boolean };

async function receive(
  context: ClientContext,
  hook: ListenedHook,
  { address, since, options }: { address: URL | null; since: Date | undefined; options: ListenOptions },
): Promise<void> {
  const { client, io, out, signal } = context;
  const events = options.events?.split(',').map((name) => name.trim());
  const queue = createInOrder(mostAtOnce);
  const kept: Received[] = [];
  let hasToldOfMasks = false;

  const tell = (received: Received, answer: LocalAnswer | null) => {
    const { number, delivery } = received;
    const line = `${heading(context, number, delivery)}${answer ? `  ${answerText(context, answer)}` : ''}`;
    const { kind: _, ...told } = answer ?? { kind: null };
    out.event({ number, ...delivery, answer: answer ? told : null }, line);
    if (!out.isJson && options.print) out.raw(printed(context, delivery));
    const masks = Object.entries(delivery.data.request?.headers ?? {}).filter(([, value]) =>
      value.includes(masked),
    );
    if (hasToldOfMasks || masks.length === 0) return;
    hasToldOfMasks = true;
    out.note(`Masked, as they hold secrets: ${masks.map(([name]) => plain(name)).join(', ')}.`);
  };
  const send = (received: Received) =>
    queue.add(received.delivery.data.action_id, async () => {
      const { request } = received.delivery.data;
      if (!request || !address || signal.aborted) return tell(received, null);
      const answer = await forward(address, request, {
        timeoutMs: options.timeout * 1000,
        signal,
        verifyTls: !options.insecure,
      });
      if (signal.aborted) return;
      received.failed = answer.kind === 'none' || answer.status >= 300;
      tell(received, answer);
    });
  const ending = new AbortController();
  // When nothing can be read any more, all else goes on.
  if (address) repeatAsTyped(context, { kept, send, signal: ending.signal }).catch(() => undefined);

  const deliveries = hookDeliveries(hook.id, {
    client,
    signal,
    onConnection: connectionNotes(io, out),
    ...(since === undefined ? {} : { since }),
    // Of its own hook everything, from the beginning.
    ...(hook.isTemporary ? { after: '0' } : {}),
  });
  let number = 0;
  try {
    for await (const delivery of deliveries) {
      if (events && !events.includes(delivery.data.event)) continue;
      const received = { number: ++number, delivery, failed: false };
      kept.push(received);
      if (kept.length > mostKept) kept.shift();
      await send(received);
    }
  } finally {
    ending.abort();
    await queue.idle();
  }
}

/** On a terminal: `r` repeats the last one, `r 3` the third, `f` all that failed. */
async function repeatAsTyped(
  { io, out }: ClientContext,
  { kept, send, signal }: { kept: Received[]; send: (one: Received) => Promise<void>; signal: AbortSignal },
): Promise<void> {
  if (!io.typed) return;
  for await (const line of io.typed(signal)) {
    const [, letter, number] = /^\s*([rf])\s*#?(\d+)?\s*$/i.exec(line) ?? [];
    if (letter === undefined) {
      if (line.trim() !== '')
        out.note('"r" repeats the last delivery, "r 3" the third, "f" all that failed.');
      continue;
    }
    const chosen =
      letter.toLowerCase() === 'f'
        ? kept.filter(({ failed }) => failed)
        : number === undefined
          ? kept.slice(-1)
          : kept.filter((one) => one.number === Number(number));
    if (chosen.length === 0) out.note('There is no such delivery to repeat.');
    for (const one of chosen) await send(one);
  }
}

/** `14:03:27  #3  action.completed of action 42` */
function heading({ out }: ClientContext, number: number, { type, data }: HookDelivery): string {
  const time = out.colour(clockTime(data.created_at), 'dim');
  const what = `#${number}  ${out.colour(plain(data.event), 'bold')} of action ${data.action_id}`;
  return type === 'delivery'
    ? `${time}  ${what}`
    : `${time}  ${what}  ${out.status('skipped')}: ${plain(data.reason ?? '')}`;
}

function answerText({ out, io }: ClientContext, answer: LocalAnswer): string {
  if (answer.kind === 'none') {
    const cure = io.typed
      ? 'is your program running? "f" and Enter sends it again'
      : 'is your program running?';
    return `${out.colour('no answer', 'red')}: ${plain(answer.reason)}; ${cure}`;
  }
  const { status, statusText, ms } = answer;
  const isGood = status >= 200 && status < 300;
  const text = out.colour(`${status} ${plain(statusText)}`.trim(), isGood ? 'green' : 'red');
  const why = isGood ? '' : `: ${plain(answer.body).slice(0, 300)}`;
  return `${text} in ${ms} ms${why}`;
}

/** As it goes over the wire, each line without what a terminal would take as a command. */
function printed({ out }: ClientContext, { data: { request, missing } }: HookDelivery): string {
  if (!request) return '';
  const { method, url, headers, body } = request;
  const lines = [
    `${method} ${plain(url)}`,
    ...Object.entries(headers).map(([name, value]) => `${out.colour(plain(name), 'dim')}: ${plain(value)}`),
    '',
    ...pretty(body).split('\n').map(plain),
    ...(missing.length > 0 ? ['', `Empty in the body: ${missing.map(plain).join(', ')}`] : []),
    '',
  ];
  return lines.map((line) => (line === '' ? '\n' : `  ${line}\n`)).join('');
}

function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}

async function chooseHook(context: ClientContext, wanted: string | undefined): Promise<ListenedHook> {
  const { client, io, out } = context;
  if (wanted !== undefined && isUuid(wanted)) {
    const { id, name } = await getHook({ client, path: { hook_type: 'outgoing', hook_id: wanted } });
    return { id, name, secret: null, isTemporary: false };
  }
  const path = { environment_id: await context.environmentId() };
  const all: { id: string; name: string }[] = [];
  for await (const { id, name } of pages(listEnvironmentHooks, {
    client,
    path,
    query: { hook_type: 'outgoing' as const, per_page: 100 },
  }))
    all.push({ id, name });
  if (all.length === 0)
    throw new CliFault(
      'There is no outgoing hook in this environment. Make one for the time being: hookline listen --create <pipeline> --forward …',
      'notFound',
    );
  const list = all.map(({ id, name }, index) => `  ${index + 1}  ${plain(name)}  ${id}`).join('\n');
  if (wanted !== undefined)
    return only(
      all.filter(({ name }) => name === wanted),
      `outgoing hook "${wanted}"`,
      list,
    );
  if (all.length === 1) return only(all, 'outgoing hook', list);
  if (!io.isErrorTerminal) throw new CliFault(`Which outgoing hook? There are:\n${list}`, 'usage');
  out.note(list);
  const answer = (await io.ask('Which hook (its number)? ')).trim();
  const chosen = all.filter(({ name }, index) => answer === String(index + 1) || answer === name);
  return only(chosen, `outgoing hook "${answer}"`, list);
}

function only(found: { id: string; name: string }[], what: string, list: string): ListenedHook {
  const [first, second] = found;
  if (!first) throw new CliFault(`There is no ${plain(what)} here. There are:\n${list}`, 'notFound');
  if (second)
    throw new CliFault(
      `There are ${found.length} of the name; say which by its id:\n${found.map(({ id }) => `  ${id}`).join('\n')}`,
      'usage',
    );
  return { ...first, secret: null, isTemporary: false };
}

/** Not active: it sends nothing to anybody, and whoever listens gets what it would send. */
async function createHook(
  context: ClientContext,
  pipeline: string,
  events: string | undefined,
): Promise<ListenedHook> {
  const { lastClient } = context;
  const pipelineId = await findId(context.client, 'pipeline_id', pipeline, () => context.environmentId());
  // Ctrl-C does not leave it half made: what is made is known, and deleted.
  const hook = await addPipelineHook({
    client: lastClient,
    path: { pipeline_id: Number(pipelineId), hook_type: 'outgoing' },
    body: {
      preset: 'generic',
      name: 'hookline listen (temporary)',
      active: false,
      target_url: 'https://hookline-listen.invalid/',
      // Safe: the server refuses what it does not know, and lists what there is.
      ...(events === undefined ? {} : { trigger_when: { events: events.split(',') as never[] } }),
    },
  });
  const secret = 'secret' in hook && typeof hook.secret === 'string' ? hook.secret : null;
  return { id: hook.id, name: hook.name, secret, isTemporary: true };
}

async function removeHook(
  { out, lastClient }: Pick<ClientContext, 'out' | 'lastClient'>,
  hook: ListenedHook,
): Promise<void> {
  try {
    await deleteHook({ client: lastClient, path: { hook_type: 'outgoing', hook_id: hook.id } });
    out.note('The temporary hook was deleted.');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    out.note(
      `The temporary hook could not be deleted: ${plain(why)} Its id is ${hook.id}; it sends nothing.`,
    );
  }
}
