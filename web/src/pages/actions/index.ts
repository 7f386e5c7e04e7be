import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { shellRoute } from '../../app/root-routes.ts';

const getParentRoute = () => shellRoute;

export const actionRoutes = [
  createRoute({
    getParentRoute,
    path: 'actions',
    component: lazyRouteComponent(() => import('./actions-page.tsx'), 'ActionsPage'),
  }),
  createRoute({
    getParentRoute,
    path: 'actions/$actionId',
    component: lazyRouteComponent(() => import('./action-page.tsx'), 'ActionPage'),
  }),
] as const;
