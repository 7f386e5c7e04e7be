import type { ReactNode } from 'react';
import { Icon, type IconName } from './icon.tsx';
import classes from './status-badge.module.css';

type Tone = 'good' | 'bad' | 'busy' | 'wait' | 'none';

/** Every status of an action, target, step, delivery and request. */
const statuses: Record<string, { text: string; tone: Tone; icon: IconName }> = {
  pending: { text: 'Pending', tone: 'wait', icon: 'clock' },
  waiting: { text: 'Waiting', tone: 'wait', icon: 'pause' },
  queued: { text: 'Queued', tone: 'wait', icon: 'clock' },
  'in-progress': { text: 'In progress', tone: 'busy', icon: 'progress' },
  completed: { text: 'Completed', tone: 'good', icon: 'check-circle' },
  failed: { text: 'Failed', tone: 'bad', icon: 'cross-circle' },
  skipped: { text: 'Skipped', tone: 'none', icon: 'skip' },
  sending: { text: 'Sending', tone: 'busy', icon: 'progress' },
  delivered: { text: 'Delivered', tone: 'good', icon: 'check-circle' },
  rejected: { text: 'Rejected', tone: 'bad', icon: 'ban' },
  accepted: { text: 'Accepted', tone: 'good', icon: 'check-circle' },
  duplicate: { text: 'Duplicate', tone: 'none', icon: 'repeat' },
  refused: { text: 'Refused', tone: 'bad', icon: 'ban' },
  active: { text: 'Active', tone: 'good', icon: 'check-circle' },
  disabled: { text: 'Disabled', tone: 'none', icon: 'pause' },
  'disabled-by-faults': { text: 'Disabled after failures', tone: 'bad', icon: 'warning' },
};

/** A status by colour, icon and word; `children` in place of the word. One that is unknown is shown as it is. */
export function StatusBadge({ status, children }: { status: string; children?: ReactNode }) {
  const { text, tone, icon } = statuses[status] ?? { text: status, tone: 'none', icon: 'info' };
  return (
    <span className={classes['badge']} data-tone={tone} data-status={status}>
      <Icon name={icon} size={14} className={tone === 'busy' ? classes['turning'] : undefined} />
      {children ?? text}
    </span>
  );
}
