import { createRouter, parseSearchWith, stringifySearchWith } from '@tanstack/react-router';
import { NotFound } from '../components/not-found.tsx';
import { PageFault } from '../components/page-fault.tsx';
import { PagePending } from '../components/page-pending.tsx';
import { actionRoutes } from '../pages/actions/index.ts';
import { applicationRoutes } from '../pages/applications/index.ts';
import { firstStepsRoutes } from '../pages/first-steps/index.ts';
import { incomingHookRoutes } from '../pages/hooks-incoming/index.ts';
import { outgoingHookRoutes } from '../pages/hooks-outgoing/index.ts';
import { overviewRoutes } from '../pages/overview/index.ts';
import { pipelineRoutes } from '../pages/pipelines/index.ts';
import { serverRoutes } from '../pages/servers/index.ts';
import { settingsRoutes } from '../pages/settings/index.ts';
import { signInRoute } from '../pages/sign-in/index.ts';
import { baseUrl } from './page.ts';
import { rootRoute, shellRoute } from './root-routes.ts';

const routeTree = rootRoute.addChildren([
  signInRoute,
  shellRoute.addChildren([
    ...overviewRoutes,
    ...firstStepsRoutes,
    ...actionRoutes,
    ...pipelineRoutes,
    ...incomingHookRoutes,
    ...outgoingHookRoutes,
    ...applicationRoutes,
    ...serverRoutes,
    ...settingsRoutes,
  ]),
]);

export const router = createRouter({
  routeTree,
  basepath: baseUrl.pathname,
  // What stands in the address is text as one would write it: `?status=failed&page=2`.
  parseSearch: parseSearchWith((value) => value),
  stringifySearch: stringifySearchWith(String),
  defaultPreload: 'intent',
  // The code of a page is loaded ahead; what it shows comes from the query client, which knows what is fresh.
  defaultPreloadStaleTime: 0,
  scrollRestoration: true,
  defaultNotFoundComponent: NotFound,
  defaultErrorComponent: PageFault,
  defaultPendingComponent: PagePending,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
