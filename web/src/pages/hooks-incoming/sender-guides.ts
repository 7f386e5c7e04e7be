import type { Hook } from '#sdk';

type Guide = {
  label: string;
  /** Where the settings are. */
  where: string;
  /** The fields there in their own words, and what goes into each. */
  fields: (hook: Hook) => [string, string][];
  /** What to expect once it is done. */
  after: string;
};

const secret = 'The secret of this hook';
const url = 'The URL above';

/** The words of an event at a sender; what the hook is for, or a push. */
function words(hook: Hook, of: Record<string, string>): string {
  const events = hook.trigger_when.events ?? ['push'];
  return [...new Set(events.flatMap((event) => of[event] ?? []))].join(', ');
}

export const senderGuides = {
  github: {
    label: 'GitHub',
    where: 'In the repository: Settings → Webhooks → Add webhook.',
    fields: (hook) => [
      ['Payload URL', url],
      ['Content type', 'application/json'],
      ['Secret', secret],
      ['SSL verification', 'Enable'],
      [
        'Events',
        `Let me select individual events: ${words(hook, { push: 'Pushes', tag: 'Pushes', pull_request: 'Pull requests' })}`,
      ],
      ['Active', 'Yes'],
    ],
    after:
      'GitHub sends a ping at once: it appears under Requests as skipped, with the reason that it was a ping. Under Recent Deliveries it shows what it has sent.',
  },
  gitlab: {
    label: 'GitLab',
    where: 'In the project: Settings → Webhooks → Add new webhook.',
    fields: (hook) => [
      ['URL', url],
      [hook.signature_scheme === 'gitlab-signed' ? 'Signing token' : 'Secret token', secret],
      [
        'Trigger',
        words(hook, { push: 'Push events', tag: 'Tag push events', pull_request: 'Merge request events' }),
      ],
      ['SSL verification', 'Enable'],
    ],
    after: 'Test → Push events sends the last push once more.',
  },
  bitbucket: {
    label: 'Bitbucket',
    where: 'In the repository: Repository settings → Webhooks → Add webhook.',
    fields: (hook) => [
      ['Title', hook.name],
      ['URL', url],
      ['Secret', secret],
      ['Status', 'Active'],
      [
        'Triggers',
        words(hook, {
          push: 'Repository: Push',
          tag: 'Repository: Push',
          pull_request: 'Pull request: Created, Pull request: Updated',
        }),
      ],
    ],
    after: 'View requests shows what Bitbucket has sent, once its history is enabled.',
  },
  gitea: {
    label: 'Gitea',
    where: 'In the repository: Settings → Webhooks → Add webhook → Gitea (in Forgejo: Forgejo).',
    fields: (hook) => [
      ['Target URL', url],
      ['HTTP method', 'POST'],
      ['Content type', 'application/json'],
      ['Secret', secret],
      [
        'Trigger on',
        words(hook, { push: 'Push events', tag: 'Push events', pull_request: 'Pull request, Synchronized' }),
      ],
    ],
    after: 'Test delivery, on the page of the webhook, sends a push.',
  },
  other: {
    label: 'Another sender',
    where: 'Whoever can post JSON or a form can call this hook.',
    fields: (hook) => [
      ['Address', `POST to ${url.toLowerCase()}`],
      ['Body', 'JSON or a form'],
      ...(hook.requires_secret
        ? ([
            ['Secret', secret],
            [
              'Signature',
              `${hook.signature_scheme ?? 'hmac'}${hook.secret_algorithm ? `, ${hook.secret_algorithm}` : ''} in the header ${hook.secret_header_name ?? ''}`,
            ],
          ] as [string, string][])
        : []),
    ],
    after:
      'It is answered 202 with the id of the action that it has started, or 200 with the reason why nothing was to be done.',
  },
} satisfies Record<string, Guide>;

export type GuideFor = keyof typeof senderGuides;
