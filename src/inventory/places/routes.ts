import type { Bus } from '../../platform/bus.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Db } from '../../platform/database/connect.ts';
import type { HttpApp } from '../../platform/http/server.ts';
import { environmentRoutes } from './environment-routes.ts';
import { organizationRoutes } from './organization-routes.ts';
import { projectRoutes } from './project-routes.ts';

export function placeRoutes(app: HttpApp, context: { db: Db; clock: Clock; bus: Bus }): void {
  organizationRoutes(app, context);
  projectRoutes(app, context);
  environmentRoutes(app, context);
}
