import { Anchor } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { Icon } from '../../components/icon.tsx';

/** The application or server that a pipeline belongs to. */
export function OwnerLink({
  type,
  id,
  name,
  isInText = false,
}: {
  type: 'application' | 'server';
  id: number;
  name: string | undefined;
  /** Among words it is underlined: its colour alone does not tell it from them. */
  isInText?: boolean;
}) {
  const isApplication = type === 'application';
  return (
    <Anchor
      inherit
      underline={isInText ? 'always' : 'hover'}
      renderRoot={(props) =>
        isApplication ? (
          <Link to="/applications/$applicationId" params={{ applicationId: String(id) }} {...props} />
        ) : (
          <Link to="/servers/$serverId" params={{ serverId: String(id) }} {...props} />
        )
      }
    >
      <Icon name={isApplication ? 'applications' : 'servers'} size={14} />{' '}
      {name ?? `${isApplication ? 'Application' : 'Server'} ${id}`}
    </Anchor>
  );
}
