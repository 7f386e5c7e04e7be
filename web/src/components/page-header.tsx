import { Anchor, Breadcrumbs, Group, Text, Title } from '@mantine/core';
import { Link, type LinkProps } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { CopyId } from './copy.tsx';

export type Crumb = { label: string } & Pick<LinkProps, 'to' | 'params' | 'search'>;

/** The head of a page; it names the browser's tab too. `children` are its buttons. */
export function PageHeader({
  title,
  id,
  badge,
  crumbs = [],
  description,
  children,
}: {
  title: string;
  id?: string | number;
  badge?: ReactNode;
  crumbs?: Crumb[];
  description?: ReactNode;
  children?: ReactNode;
}) {
  return (
    <header>
      <title>{`${title}${id === undefined ? '' : ` ${id}`} · Hookline`}</title>
      {crumbs.length > 0 && (
        <Breadcrumbs mb={4} component="nav" aria-label="Breadcrumbs">
          {crumbs.map(({ label, ...link }) => (
            <Anchor key={label} size="sm" renderRoot={(props) => <Link {...props} {...link} />}>
              {label}
            </Anchor>
          ))}
        </Breadcrumbs>
      )}
      <Group justify="space-between" align="center" mb={description ? 4 : 'lg'} gap="sm">
        <Group gap="sm">
          <Title order={1} size="h2">
            {title}
          </Title>
          {id !== undefined && <CopyId id={id} />}
          {badge}
        </Group>
        {children && <Group gap="xs">{children}</Group>}
      </Group>
      {description && (
        <Text c="dimmed" mb="lg">
          {description}
        </Text>
      )}
    </header>
  );
}
