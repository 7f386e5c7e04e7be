import type { IconName } from '../../components/icon.tsx';

/** The list beside the settings, in its order. */
export const sections = [
  { to: '/settings/account', label: 'Your account', icon: 'user', group: 'You' },
  { to: '/settings/tokens', label: 'Tokens', icon: 'key', group: 'You' },
  { to: '/settings/variables', label: 'Variables', icon: 'pen', group: 'Environment' },
  { to: '/settings/credentials', label: 'Credentials', icon: 'link', group: 'Environment' },
  { to: '/settings/organization', label: 'Organization', icon: 'overview', group: 'Organization' },
  { to: '/settings/projects', label: 'Projects', icon: 'branch', group: 'Organization' },
  { to: '/settings/members', label: 'Members', icon: 'user', group: 'Organization' },
  { to: '/settings/teams', label: 'Teams', icon: 'team', group: 'Organization' },
  { to: '/settings/roles', label: 'Roles', icon: 'shield', group: 'Organization' },
  { to: '/settings/audit', label: 'Audit', icon: 'book', group: 'Organization' },
] as const satisfies readonly { to: string; label: string; icon: IconName; group: string }[];
