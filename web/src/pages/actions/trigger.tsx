import { Anchor, Code, Text, Title } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { Action } from '#sdk';
import { CopyButton } from '../../components/copy.tsx';
import { Time } from '../../components/time.tsx';
import classes from './action-page.module.css';

/** What started it. */
export function Trigger({ action }: { action: Action }) {
  const { triggered_from: from, triggered_by_user: user } = action;
  const variables = Object.entries(from.hook_parsed_variables ?? {});
  return (
    <section className={classes['card']} aria-labelledby="trigger">
      <Title order={2} size="h4" mb="sm" id="trigger">
        Started by
      </Title>
      <dl className={classes['facts']}>
        {from.hook_id !== null ? (
          <>
            <dt>Hook</dt>
            <dd>
              <Anchor
                inherit
                renderRoot={(props) => (
                  <Link to="/hooks/incoming/$hookId" params={{ hookId: from.hook_id ?? '' }} {...props} />
                )}
              >
                {from.name}
              </Anchor>
            </dd>
          </>
        ) : (
          <>
            <dt>{from.user_id === null ? 'Token' : 'Person'}</dt>
            <dd>
              {user?.name ?? from.name}
              {from.email && ` (${from.email})`}
            </dd>
          </>
        )}
        {from.hook_request_id !== null && (
          <>
            <dt>Request</dt>
            <dd>
              <Anchor
                inherit
                renderRoot={(props) => (
                  <Link
                    to="/hook-requests/$requestId"
                    params={{ requestId: from.hook_request_id ?? '' }}
                    {...props}
                  />
                )}
              >
                Headers, body and outcome
              </Anchor>
            </dd>
          </>
        )}
        <dt>When</dt>
        <dd>
          <Time at={action.created_at} exact />
        </dd>
        <dt>From</dt>
        <dd>
          {from.ip_address}
          {from.origin && (
            <Text span inherit c="dimmed">
              {' '}
              {from.origin}
            </Text>
          )}
        </dd>
      </dl>
      {variables.length > 0 && (
        <table className={classes['variables']}>
          <caption>Variables taken from the request</caption>
          <tbody>
            {variables.map(([name, value]) => (
              <tr key={name}>
                <th scope="row">
                  <Code>{name}</Code>
                </th>
                <td>
                  {value === null ? (
                    <Text span inherit c="dimmed">
                      not there
                    </Text>
                  ) : (
                    textOf(value)
                  )}
                </td>
                <td>{value !== null && <CopyButton value={textOf(value)} what={name} />}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
