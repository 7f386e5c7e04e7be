import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { shellRoute } from '../../app/root-routes.ts';

const getParentRoute = () => shellRoute;

export const outgoingHookRoutes = [
  createRoute({
    getParentRoute,
    path: 'hooks/outgoing/new',
    component: lazyRouteComponent(() => import('./new-hook-page.tsx'), 'NewOutgoingHookPage'),
  }),
  createRoute({
    getParentRoute,
    path: 'hooks/outgoing/$hookId',
    component: lazyRouteComponent(() => import('./outgoing-hook-page.tsx'), 'OutgoingHookPage'),
  }),
  createRoute({
    getParentRoute,
    path: 'hooks/outgoing/$hookId/deliveries/$deliveryId',
    component: lazyRouteComponent(() => import('./delivery-page.tsx'), 'DeliveryPage'),
  }),
] as const;
