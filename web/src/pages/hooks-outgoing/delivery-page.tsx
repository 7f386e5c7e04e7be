import { useParams } from '@tanstack/react-router';
import { EmptyState } from '../../components/empty-state.tsx';
import { PageHeader } from '../../components/page-header.tsx';

export function DeliveryPage() {
  const { deliveryId } = useParams({ from: '/shell/hooks/outgoing/$hookId/deliveries/$deliveryId' });
  return (
    <>
      <PageHeader title="Delivery" id={deliveryId} />
      <EmptyState title="This page is not written yet" />
    </>
  );
}
