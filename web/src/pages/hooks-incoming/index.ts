import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { shellRoute } from '../../app/root-routes.ts';

const getParentRoute = () => shellRoute;

export const incomingHookRoutes = [
  createRoute({
    getParentRoute,
    path: 'hooks',
    component: lazyRouteComponent(() => import('./hooks-page.tsx'), 'HooksPage'),
  }),
  createRoute({
    getParentRoute,
    path: 'hooks/incoming/$hookId',
    component: lazyRouteComponent(() => import('./incoming-hook-page.tsx'), 'IncomingHookPage'),
  }),
  createRoute({
    getParentRoute,
    path: 'hook-requests/$requestId',
    component: lazyRouteComponent(() => import('./hook-request-page.tsx'), 'HookRequestPage'),
  }),
] as const;
