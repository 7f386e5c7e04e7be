import { ActionIcon, Menu } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { Link, useRouter } from '@tanstack/react-router';
import { signOut, useMe } from '../api/session.ts';
import { addressOf } from '../app/page.ts';
import { Icon } from '../components/icon.tsx';

export function UserMenu({ onKeys }: { onKeys: () => void }) {
  const me = useMe();
  const router = useRouter();
  const leave = useMutation({
    mutationFn: signOut,
    onSuccess: () => router.navigate({ to: '/sign-in' }),
  });
  return (
    <Menu position="bottom-end" width={220}>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label="You">
          <Icon name="user" size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{me?.email}</Menu.Label>
        <Menu.Item
          leftSection={<Icon name="settings" />}
          renderRoot={(props) => <Link to="/settings" {...props} />}
        >
          Settings
        </Menu.Item>
        <Menu.Item leftSection={<Icon name="keyboard" />} onClick={onKeys}>
          Keys
        </Menu.Item>
        <Menu.Item leftSection={<Icon name="book" />} component="a" href={addressOf('docs')}>
          API reference
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item leftSection={<Icon name="sign-out" />} onClick={() => leave.mutate()}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
