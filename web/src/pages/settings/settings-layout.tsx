import { Box, NavLink, Select, Text } from '@mantine/core';
import { Link, Outlet, useNavigate, useRouterState } from '@tanstack/react-router';
import { Icon } from '../../components/icon.tsx';
import { sections } from './sections.ts';
import classes from './settings.module.css';

const groups = [...new Set(sections.map(({ group }) => group))];

export function SettingsLayout() {
  const pathname = useRouterState({ select: (state) => state.location.pathname });
  const navigate = useNavigate();
  const current = sections.find(({ to }) => pathname === to || pathname.startsWith(`${to}/`));
  return (
    <div className={classes['layout']}>
      <Box component="nav" aria-label="Settings" visibleFrom="sm" className={classes['list']}>
        {groups.map((group) => (
          <div key={group}>
            <Text size="xs" fw={600} c="dimmed" px="xs" pt="sm" pb={4}>
              {group}
            </Text>
            {sections
              .filter((section) => section.group === group)
              .map(({ to, label, icon }) => (
                <NavLink
                  key={to}
                  label={label}
                  leftSection={<Icon name={icon} />}
                  active={to === current?.to}
                  aria-current={to === current?.to ? 'page' : undefined}
                  className={classes['link']}
                  renderRoot={(props) => <Link to={to} {...props} />}
                />
              ))}
          </div>
        ))}
      </Box>
      <Select
        hiddenFrom="sm"
        aria-label="Settings"
        mb="md"
        allowDeselect={false}
        data={groups.map((group) => ({
          group,
          items: sections
            .filter((section) => section.group === group)
            .map(({ to, label }) => ({ value: to, label })),
        }))}
        value={current?.to ?? null}
        onChange={(value) => {
          const section = sections.find(({ to }) => to === value);
          if (section) void navigate({ to: section.to });
        }}
      />
      <div className={classes['page']}>
        <Outlet />
      </div>
    </div>
  );
}
