import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { shellRoute } from '../../app/root-routes.ts';

const getParentRoute = () => shellRoute;

export const serverRoutes = [
  createRoute({
    getParentRoute,
    path: 'servers',
    component: lazyRouteComponent(() => import('./servers-page.tsx'), 'ServersPage'),
  }),
  createRoute({
    getParentRoute,
    path: 'servers/$serverId',
    component: lazyRouteComponent(() => import('./server-page.tsx'), 'ServerPage'),
  }),
] as const;
