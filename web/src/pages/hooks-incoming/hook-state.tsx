import type { Hook } from '#sdk';
import { StatusBadge } from '../../components/status-badge.tsx';

/** On, off, or in trouble, and under the pointer why. */
export function HookState({ hook }: { hook: Hook }) {
  if (hook.disabled_reason !== null) return <StatusBadge status="disabled-by-faults" />;
  if (!hook.active) return <StatusBadge status="disabled" />;
  if (hook.failing_since !== null)
    return (
      <StatusBadge status="failed">{hook.breaker_state === 'closed' ? 'Failing' : 'Paused'}</StatusBadge>
    );
  if (needsSecret(hook)) return <StatusBadge status="refused">No secret yet</StatusBadge>;
  return <StatusBadge status="active" />;
}

/** It refuses everything until its sender's secret is entered. */
export function needsSecret(hook: Hook): boolean {
  return hook.type === 'in' && hook.requires_secret && hook.secret === '';
}
