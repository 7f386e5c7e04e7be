import type { IncomingHookCreate } from '#sdk';

export type Preset = NonNullable<IncomingHookCreate['preset']>;
export type HookEvent = 'push' | 'tag' | 'pull_request' | 'paid';

type PresetFacts = {
  label: string;
  events: HookEvent[];
  /** Who makes the secret. */
  secretFrom: 'hookline' | 'sender';
};

const ofGit: Pick<PresetFacts, 'events' | 'secretFrom'> = {
  events: ['push', 'tag', 'pull_request'],
  secretFrom: 'hookline',
};

export const presets: Record<Preset, PresetFacts> = {
  github: { label: 'GitHub', ...ofGit },
  gitlab: { label: 'GitLab', ...ofGit },
  bitbucket: { label: 'Bitbucket', ...ofGit },
  gitea: { label: 'Gitea or Forgejo', ...ofGit },
  stripe: { label: 'Stripe', events: ['paid'], secretFrom: 'sender' },
  shopify: { label: 'Shopify', events: ['paid'], secretFrom: 'sender' },
  slack: { label: 'Slack', events: [], secretFrom: 'sender' },
  standard: { label: 'Standard Webhooks', events: [], secretFrom: 'hookline' },
};

export const eventLabels: Record<HookEvent, string> = {
  push: 'Push to a branch',
  tag: 'New tag',
  pull_request: 'Pull or merge request',
  paid: 'Payment received',
};

export function presetOf(name: string | null): PresetFacts | null {
  return name !== null && Object.hasOwn(presets, name) ? presets[name as Preset] : null;
}
