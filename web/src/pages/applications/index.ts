import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { shellRoute } from '../../app/root-routes.ts';

const getParentRoute = () => shellRoute;

export const applicationRoutes = [
  createRoute({
    getParentRoute,
    path: 'applications',
    component: lazyRouteComponent(() => import('./applications-page.tsx'), 'ApplicationsPage'),
  }),
  createRoute({
    getParentRoute,
    path: 'applications/new',
    component: lazyRouteComponent(() => import('./new-application-page.tsx'), 'NewApplicationPage'),
  }),
  createRoute({
    getParentRoute,
    path: 'applications/$applicationId',
    component: lazyRouteComponent(() => import('./application-page.tsx'), 'ApplicationPage'),
  }),
] as const;
