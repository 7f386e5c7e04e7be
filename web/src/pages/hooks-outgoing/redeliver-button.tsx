import { Button, Menu } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { redeliverOutgoingHookDelivery, type Delivery } from '#sdk';
import { queryClient } from '../../app/query-client.ts';
import { Icon } from '../../components/icon.tsx';

/** Sends a delivery again, or now: with the hook as it is, or the body of then. */
export function RedeliverButton({ delivery }: { delivery: Delivery }) {
  const again = useMutation({
    mutationFn: (content: 'current' | 'original') =>
      redeliverOutgoingHookDelivery({
        path: { hook_id: delivery.hook_id, delivery_id: delivery.id },
        body: { content },
      }),
    onSuccess: (answer) => {
      queryClient.setQueryData<Delivery>(['outgoing-delivery', delivery.id], (before) =>
        before ? { ...before, ...answer } : before,
      );
      notifications.show({ message: 'It is on its way.' });
    },
    onError: (error) =>
      notifications.show({
        color: 'red',
        title: 'It is not sent again',
        message: error.message,
        autoClose: false,
      }),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['outgoing-delivery', delivery.id] }),
  });
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button
          loading={again.isPending}
          leftSection={<Icon name="repeat" />}
          disabled={delivery.status === 'sending'}
        >
          {delivery.status === 'pending' ? 'Send now' : 'Redeliver'}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => again.mutate('current')}>Made anew, with the hook as it is now</Menu.Item>
        <Menu.Item onClick={() => again.mutate('original')} disabled={delivery.attempts === 0}>
          The body as it was first sent
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
