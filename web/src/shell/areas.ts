import type { IconName } from '../components/icon.tsx';

/** The areas of the navigation; `key` follows `g`. */
export const areas = [
  { to: '/', label: 'Overview', icon: 'overview', key: 'o' },
  { to: '/actions', label: 'Actions', icon: 'actions', key: 'a' },
  { to: '/pipelines', label: 'Pipelines', icon: 'pipelines', key: 'p' },
  { to: '/hooks', label: 'Hooks', icon: 'hooks', key: 'h' },
  { to: '/applications', label: 'Applications', icon: 'applications', key: 'l' },
  { to: '/servers', label: 'Servers', icon: 'servers', key: 's' },
  { to: '/settings', label: 'Settings', icon: 'settings', key: ',' },
] as const satisfies readonly { to: string; label: string; icon: IconName; key: string }[];
