import type { OutgoingHookCreate, OutgoingHookUpdate } from '#sdk';

export type Preset = NonNullable<OutgoingHookCreate['preset']>;
export type EventName = NonNullable<NonNullable<OutgoingHookUpdate['trigger_when']>['events']>[number];

/** What each preset is for; `address` asks for what only the person knows. */
export const presets: {
  name: Preset;
  label: string;
  text: string;
  address?: { label: string; placeholder: string };
}[] = [
  {
    name: 'github-commit-status',
    label: 'GitHub commit status',
    text: 'A check at the commit, from pending to its end',
  },
  { name: 'github-pr-comment', label: 'GitHub comment', text: 'The result, below the pull request' },
  {
    name: 'gitlab-commit-status',
    label: 'GitLab commit status',
    text: 'A check at the commit, from pending to its end',
  },
  { name: 'gitlab-mr-comment', label: 'GitLab comment', text: 'The result, below the merge request' },
  {
    name: 'bitbucket-build-status',
    label: 'Bitbucket build status',
    text: 'A build at the commit, Cloud or Data Center',
  },
  { name: 'bitbucket-pr-comment', label: 'Bitbucket comment', text: 'The result, below the pull request' },
  {
    name: 'slack-message',
    label: 'Slack message',
    text: 'The result, in a channel',
    address: { label: 'Webhook address from Slack', placeholder: 'https://hooks.slack.com/services/…' },
  },
  {
    name: 'discord-message',
    label: 'Discord message',
    text: 'The result, in a channel',
    address: { label: 'Webhook address from Discord', placeholder: 'https://discord.com/api/webhooks/…' },
  },
  {
    name: 'generic',
    label: 'Signed JSON',
    text: 'Every change as JSON, signed as Standard Webhooks says',
    address: { label: 'Where to send', placeholder: 'https://example.com/hooks' },
  },
];

export const events: { name: EventName; label: string; text: string }[] = [
  { name: 'action.created', label: 'Created', text: 'A run was asked for' },
  { name: 'action.queued', label: 'Queued', text: 'It waits for its turn' },
  { name: 'action.started', label: 'Started', text: 'Its first step begins' },
  { name: 'action.completed', label: 'Completed', text: 'Everything went well' },
  { name: 'action.failed', label: 'Failed', text: 'Something went wrong' },
  { name: 'action.skipped', label: 'Skipped', text: 'It was not run, or cancelled' },
  { name: 'action.status_changed', label: 'Any change', text: 'Every status after the first' },
  { name: 'hook.disabled', label: 'A hook was disabled', text: 'Another outgoing hook failed for too long' },
];

export const deliveryStatuses = ['pending', 'sending', 'delivered', 'failed', 'rejected', 'skipped'] as const;
export type DeliveryStatus = (typeof deliveryStatuses)[number];

export function eventLabel(name: string): string {
  return events.find((event) => event.name === name)?.label ?? name;
}
