import { ActionIcon, AppShell, Burger, Group, NavLink, Text, Tooltip, UnstyledButton } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { Link, Outlet, useRouter, useRouterState } from '@tanstack/react-router';
import { lazy, Suspense, useEffect } from 'react';
import { whenSignedOut } from '../api/session.ts';
import { Icon } from '../components/icon.tsx';
import { areas } from './areas.ts';
import { ColorSchemeToggle } from './color-scheme-toggle.tsx';
import { Logo } from './logo.tsx';
import { palette } from './palette-store.ts';
import { PlaceProvider } from './place.tsx';
import { PlaceSwitcher } from './place-switcher.tsx';
import { useShortcuts } from './shortcuts.ts';
import { UserMenu } from './user-menu.tsx';

const CommandPalette = lazy(() => import('./command-palette.tsx'));
const KeyHelp = lazy(() => import('./key-help.tsx'));

export function Shell() {
  const [isNavOpen, nav] = useDisclosure(false);
  const [isHelpOpen, help] = useDisclosure(false);
  const pathname = useRouterState({ select: (state) => state.location.pathname });
  const router = useRouter();
  useShortcuts(help.toggle);
  useEffect(
    () =>
      whenSignedOut(() => {
        const { href, pathname: here } = router.state.location;
        if (here !== '/sign-in') void router.navigate({ to: '/sign-in', search: { to: href } });
      }),
    [router],
  );
  useEffect(() => nav.close(), [pathname, nav.close]);
  return (
    <PlaceProvider>
      <a className="skip-link" href={`${pathname}#content`} onClick={focusContent}>
        Skip to the content
      </a>
      <AppShell
        header={{ height: 52 }}
        navbar={{ width: 208, breakpoint: 'sm', collapsed: { mobile: !isNavOpen } }}
        padding={{ base: 'md', sm: 'lg' }}
      >
        <AppShell.Header bg="var(--app-raised)">
          <Group h="100%" px="md" justify="space-between" wrap="nowrap" gap="xs">
            <Group gap="sm" wrap="nowrap" miw={0}>
              <Burger
                hiddenFrom="sm"
                size="sm"
                opened={isNavOpen}
                onClick={nav.toggle}
                aria-label={isNavOpen ? 'Close the navigation' : 'Open the navigation'}
              />
              <UnstyledButton
                aria-label="Hookline, to the overview"
                renderRoot={(props) => <Link to="/" {...props} />}
              >
                <Group gap={8} wrap="nowrap">
                  <Logo />
                  <Text fw={650} visibleFrom="sm">
                    Hookline
                  </Text>
                </Group>
              </UnstyledButton>
              <PlaceSwitcher />
            </Group>
            <Group gap={4} wrap="nowrap">
              <Tooltip label="Find anything (Ctrl or ⌘ K)">
                <ActionIcon
                  variant="subtle"
                  color="gray"
                  size="lg"
                  aria-label="Find anything"
                  onClick={palette.open}
                >
                  <Icon name="search" size={18} />
                </ActionIcon>
              </Tooltip>
              <ColorSchemeToggle />
              <UserMenu onKeys={help.open} />
            </Group>
          </Group>
        </AppShell.Header>
        <AppShell.Navbar p="xs" bg="var(--app-raised)" aria-label="Areas">
          {areas.map(({ to, label, icon }) => (
            <NavLink
              key={to}
              label={label}
              leftSection={<Icon name={icon} size={18} />}
              active={to === '/' ? pathname === '/' : pathname.startsWith(to)}
              aria-current={(to === '/' ? pathname === '/' : pathname.startsWith(to)) ? 'page' : undefined}
              style={{ borderRadius: 'var(--mantine-radius-sm)' }}
              renderRoot={(props) => <Link to={to} {...props} />}
            />
          ))}
        </AppShell.Navbar>
        <AppShell.Main id="content" tabIndex={-1} style={{ outline: 'none' }}>
          <Outlet />
        </AppShell.Main>
      </AppShell>
      <Suspense>
        <CommandPalette />
        {isHelpOpen && <KeyHelp onClose={help.close} />}
      </Suspense>
    </PlaceProvider>
  );
}

/** With a `<base>`, `#content` alone would lead to another page. */
function focusContent(event: { preventDefault: () => void }): void {
  event.preventDefault();
  document.getElementById('content')?.focus();
}
