import { Group, Text } from '@mantine/core';
import type { AttemptTiming } from '#sdk';
import { durationText } from '../../components/time.tsx';
import classes from './timing-bar.module.css';

/** Where the time of an attempt went. */
export function TimingBar({ timing }: { timing: AttemptTiming }) {
  const parts = partsOf(timing);
  const sum = Math.max(
    timing.total_ms,
    parts.reduce((all, { ms }) => all + ms, 0),
    0.001,
  );
  return (
    <div data-timing>
      <div className={classes['bar']} aria-hidden="true">
        {parts.map(({ name, ms }) => (
          <div key={name} data-part={name} style={{ width: `${(100 * ms) / sum}%` }} />
        ))}
      </div>
      <Group gap="md" mt={6}>
        {parts.map(({ name, label, ms }) => (
          <Text key={name} size="xs" component="span">
            <span className={classes['dot']} data-part={name} aria-hidden="true" />
            {`${label} ${text(ms)}`}
          </Text>
        ))}
        <Text size="xs" fw={600} component="span">{`Total ${text(timing.total_ms)}`}</Text>
        {timing.connection_reused && (
          <Text size="xs" c="dimmed" component="span">
            The connection was open already
          </Text>
        )}
      </Group>
    </div>
  );
}

function partsOf({ dns_ms, connect_ms, tls_ms, first_byte_ms, total_ms }: AttemptTiming) {
  const known = [
    { name: 'dns', label: 'DNS', ms: dns_ms },
    { name: 'connect', label: 'Connect', ms: connect_ms },
    { name: 'tls', label: 'TLS', ms: tls_ms },
    { name: 'first-byte', label: 'First byte', ms: first_byte_ms },
  ].flatMap(({ ms, ...part }) => (ms === null ? [] : [{ ...part, ms }]));
  const rest = total_ms - known.reduce((all, { ms }) => all + ms, 0);
  return rest > 0.5 ? [...known, { name: 'rest', label: 'Rest', ms: rest }] : known;
}

function text(ms: number): string {
  return ms < 10 ? `${ms.toFixed(1)} ms` : durationText(ms);
}
