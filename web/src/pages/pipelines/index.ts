import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { shellRoute } from '../../app/root-routes.ts';

const getParentRoute = () => shellRoute;

export const pipelineRoutes = [
  createRoute({
    getParentRoute,
    path: 'pipelines',
    component: lazyRouteComponent(() => import('./pipelines-page.tsx'), 'PipelinesPage'),
  }),
  createRoute({
    getParentRoute,
    path: 'pipelines/new',
    component: lazyRouteComponent(() => import('./new-pipeline-page.tsx'), 'NewPipelinePage'),
  }),
  createRoute({
    getParentRoute,
    path: 'pipelines/$pipelineId',
    component: lazyRouteComponent(() => import('./pipeline-page.tsx'), 'PipelinePage'),
  }),
] as const;
