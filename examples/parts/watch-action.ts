/** What became of a thing that is watched: an action, one of its targets or a step of one. */
export type Changed = {
  id: number;
  name?: string | null;
  hostname?: string;
  order?: number;
  status: string;
  status_reason_human_readable: string;
};

/**
 * Follows the event stream of an action to its end and returns the last that it told of the action itself. When the
 * connection is lost it goes on behind the last event that it has seen.
 */
export async function watchAction(
  hookline: { url: string; token: string | undefined },
  actionId: number,
  tell: { log(text: string): void; step(step: Changed): void },
): Promise<Changed> {
  let action: Changed | null = null;
  let last = '0';
  let tries = 0;
  for (;;) {
    const response = await fetch(`${hookline.url}/api/actions/${actionId}/events`, {
      headers: { authorization: `Bearer ${hookline.token}`, 'last-event-id': last },
    });
    if (response.status === 204 && action) return action;
    if (!response.ok || !response.body) {
      throw new Error(`the events of action ${actionId} were answered ${response.status}`);
    }
    try {
      for await (const { id, event, data } of readEvents(response.body)) {
        if (event === 'end' && action) return action;
        last = id || last;
        // Safe: the four kinds of events that there are, as docs/deployments.md tells them.
        if (event === 'log') tell.log((JSON.parse(data) as { content: string }).content);
        if (event === 'step') tell.step(JSON.parse(data) as Changed);
        if (event === 'action') action = JSON.parse(data) as Changed;
      }
    } catch (error) {
      if (++tries > 5) throw error;
    }
  }
}

type ServerSentEvent = { id: string; event: string; data: string };

/** Server-sent events as Hookline writes them: `field: value` by line, an empty line behind each event. */
async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    const blocks = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const lines = block.split('\n').map((line) => /^(\w+): ?(.*)$/.exec(line));
      const field = (name: string) => lines.find((line) => line?.[1] === name)?.[2] ?? '';
      if (field('event')) yield { id: field('id'), event: field('event'), data: field('data') };
    }
  }
}
