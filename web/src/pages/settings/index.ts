import { createRoute, lazyRouteComponent, redirect } from '@tanstack/react-router';
import { shellRoute } from '../../app/root-routes.ts';

/** The parent of every page of the settings: the list of them beside the page. */
const layout = createRoute({
  getParentRoute: () => shellRoute,
  path: 'settings',
  component: lazyRouteComponent(() => import('./settings-layout.tsx'), 'SettingsLayout'),
});
const getParentRoute = () => layout;

export const settingsRoutes = [
  layout.addChildren([
    createRoute({
      getParentRoute,
      path: '/',
      beforeLoad: () => {
        throw redirect({ to: '/settings/account', replace: true });
      },
    }),
    createRoute({
      getParentRoute,
      path: 'account',
      component: lazyRouteComponent(() => import('./account-page.tsx'), 'AccountPage'),
    }),
    createRoute({
      getParentRoute,
      path: 'tokens',
      component: lazyRouteComponent(() => import('./tokens-page.tsx'), 'TokensPage'),
    }),
    createRoute({
      getParentRoute,
      path: 'variables',
      component: lazyRouteComponent(() => import('./variables-page.tsx'), 'VariablesPage'),
    }),
    createRoute({
      getParentRoute,
      path: 'credentials',
      component: lazyRouteComponent(() => import('./credentials-page.tsx'), 'CredentialsPage'),
    }),
    createRoute({
      getParentRoute,
      path: 'organization',
      component: lazyRouteComponent(() => import('./organization-page.tsx'), 'OrganizationPage'),
    }),
    createRoute({
      getParentRoute,
      path: 'projects',
      component: lazyRouteComponent(() => import('./projects-page.tsx'), 'ProjectsPage'),
    }),
    createRoute({
      getParentRoute,
      path: 'members',
      component: lazyRouteComponent(() => import('./members-page.tsx'), 'MembersPage'),
    }),
    createRoute({
      getParentRoute,
      path: 'teams',
      component: lazyRouteComponent(() => import('./teams-page.tsx'), 'TeamsPage'),
    }),
    createRoute({
      getParentRoute,
      path: 'teams/$teamId',
      component: lazyRouteComponent(() => import('./team-page.tsx'), 'TeamPage'),
    }),
    createRoute({
      getParentRoute,
      path: 'roles',
      component: lazyRouteComponent(() => import('./roles-page.tsx'), 'RolesPage'),
    }),
    createRoute({
      getParentRoute,
      path: 'audit',
      component: lazyRouteComponent(() => import('./audit-page.tsx'), 'AuditPage'),
    }),
  ]),
] as const;
