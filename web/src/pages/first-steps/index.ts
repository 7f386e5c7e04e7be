import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { shellRoute } from '../../app/root-routes.ts';

const getParentRoute = () => shellRoute;

export const firstStepsRoutes = [
  createRoute({
    getParentRoute,
    path: 'first-steps',
    component: lazyRouteComponent(() => import('./first-steps-page.tsx'), 'FirstStepsPage'),
  }),
] as const;
