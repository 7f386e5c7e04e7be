import type { FastifyBaseLogger } from 'fastify';
import type { Throttle } from '../accounts/throttle.ts';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/database/connect.ts';
import type { HttpApp } from '../platform/http/server.ts';
import type { Mailer } from '../platform/mailer.ts';
import { auditRoutes } from './audit-routes.ts';
import { invitationRoutes } from './invitations/routes.ts';
import { roleRoutes } from './roles/routes.ts';
import { teamRoutes } from './teams/routes.ts';
import { projectTokenRoutes } from './tokens/routes.ts';

/** Who belongs to an organization, what they may do there, and what they did. */
export function memberRoutes(
  app: HttpApp,
  context: {
    db: Db;
    clock: Clock;
    throttle: Throttle;
    mailer: Mailer;
    log: FastifyBaseLogger;
    publicUrl: () => string;
  },
): void {
  roleRoutes(app, context);
  teamRoutes(app, context);
  invitationRoutes(app, context);
  projectTokenRoutes(app, context);
  auditRoutes(app, context);
}
