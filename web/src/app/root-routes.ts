import { createRootRoute, createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { requireSignIn } from '../api/session.ts';

export const rootRoute = createRootRoute();

/** The parent of every page that needs someone signed in: navigation around, the page within. */
export const shellRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: 'shell',
  beforeLoad: ({ location }) => requireSignIn(location.href),
  component: lazyRouteComponent(() => import('../shell/shell.tsx'), 'Shell'),
});
