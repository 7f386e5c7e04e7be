import type { Server } from '#sdk';
import { StatusBadge } from '../../components/status-badge.tsx';

/** In the looks of an action's status: running is good, stopped is neither. */
const looks = {
  running: ['completed', 'Running'],
  stopped: ['disabled', 'Stopped'],
  restarting: ['in-progress', 'Restarting'],
  failed: ['failed', 'Failed'],
} as const satisfies Record<Server['status'], readonly [string, string]>;

export function ServerStatus({ status }: { status: Server['status'] }) {
  const [look, text] = looks[status];
  return <StatusBadge status={look}>{text}</StatusBadge>;
}

const connectionLooks = {
  ok: ['completed', 'Connected'],
  failed: ['failed', 'No connection'],
  untested: ['pending', 'Not tested yet'],
} as const;

export function ConnectionStatus({ status }: { status: Server['connection']['status'] }) {
  const [look, text] = connectionLooks[status];
  return <StatusBadge status={look}>{text}</StatusBadge>;
}
