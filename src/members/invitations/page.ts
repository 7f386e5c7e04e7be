import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';
import type { Throttle } from '../../accounts/throttle.ts';
import type { TeamRow } from '../../accounts/teams.ts';
import { findOrganization } from '../../inventory/places/store.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Db } from '../../platform/database/connect.ts';
import { AppError, errorStatus } from '../../platform/errors.ts';
import { escapeHtml, htmlPage, pageHeaders } from '../../platform/http/page.ts';
import { Uuid } from '../../platform/http/schemas.ts';
import type { HttpApp } from '../../platform/http/server.ts';
import { joinWithPassword, openInvitation } from './accept.ts';
import type { InvitationRow } from './store.ts';

type Context = { db: Db; clock: Clock; throttle: Throttle };
type Invited = { invitation: InvitationRow; team: TeamRow; organization: string };
type Form = { name?: string; email?: string; password?: string };

const mostFormBytes = 16_384;

/** The page behind the link of an invitation: one form for those who have an account and those who make one. */
export function invitationPage(app: HttpApp, context: Context): void {
  const { db } = context;
  const url = '/team-invitations/:team_invitation_id/accept';
  const schema = {
    params: Type.Object({ team_invitation_id: Uuid }),
    querystring: Type.Object({ token: Type.Optional(Type.String({ maxLength: 200 })) }),
  };
  const find = async (id: string, token: string): Promise<Invited> => {
    const { invitation, team } = await openInvitation(context, { id, token });
    const organization = await findOrganization(db, team.organization_id);
    return { invitation, team, organization: organization?.name ?? '' };
  };

  app.register(async (pages: HttpApp) => {
    // The form's own type alone: JSON could bring what is no text.
    pages.removeAllContentTypeParsers();
    pages.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: mostFormBytes },
      (_request, text, done) => {
        // Kept by one of the two databases only.
        if (/%00|\0/.test(text.toString()))
          return done(new AppError('bad_request', 'The form must not hold a NUL character.'));
        done(null, Object.fromEntries(new URLSearchParams(text.toString())));
      },
    );
    pages.setErrorHandler((error, _request, reply) => sendFault(reply, error));

    pages.route({
      method: 'GET',
      url,
      config: { access: 'public' },
      schema,
      handler: async (request, reply) => {
        const invited = await find(request.params.team_invitation_id, request.query.token ?? '');
        return reply.headers(pageHeaders).send(formPage(invited, {}, null));
      },
    });

    pages.route({
      method: 'POST',
      url,
      config: { access: 'public' },
      schema,
      handler: async (request, reply) => {
        const link = { id: request.params.team_invitation_id, token: request.query.token ?? '' };
        const invited = await find(link.id, link.token);
        // Safe: the parser above makes nothing but texts.
        const form = (request.body ?? {}) as Form;
        try {
          const user = await joinWithPassword(context, request, {
            invitationId: link.id,
            token: link.token,
            name: form.name,
            email: form.email ?? '',
            password: form.password ?? '',
          });
          return await reply.headers(pageHeaders).send(welcomePage(invited, user.email));
        } catch (error) {
          if (!(error instanceof AppError) || errorStatus[error.code] >= 500) throw error;
          if (error.retryAfterSeconds !== null) reply.header('retry-after', String(error.retryAfterSeconds));
          return await reply
            .status(errorStatus[error.code])
            .headers(pageHeaders)
            .send(formPage(invited, form, sentence(error)));
        }
      },
    });
  });
}

function sentence({ message, fields }: AppError): string {
  return fields ? fields.map((fault) => `${fault.field} ${fault.message}.`).join(' ') : message;
}

/** A link that is wrong, used or expired, and whatever else goes wrong. */
function sendFault(reply: FastifyReply, error: unknown): FastifyReply {
  const known = error instanceof AppError ? error : null;
  const status = known ? errorStatus[known.code] : refusedStatus(error);
  const unread =
    status < 500 ? 'This request cannot be read.' : 'Something went wrong on our side. Try again later.';
  const text = known && status < 500 ? known.message : unread;
  if (status >= 500) reply.log.error({ err: error });
  if (known && known.retryAfterSeconds !== null) reply.header('retry-after', String(known.retryAfterSeconds));
  return reply
    .status(status)
    .headers(pageHeaders)
    .send(htmlPage('Invitation', `<h1>Invitation</h1>\n<p role="alert">${escapeHtml(text)}</p>`));
}

/** What Fastify itself refuses: a body that is too large, of another type, not what it claims to be. */
function refusedStatus(error: unknown): number {
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  return status >= 400 && status < 500 ? status : 500;
}

function formPage({ invitation, team, organization }: Invited, form: Form, fault: string | null): string {
  const email = invitation.email ?? form.email ?? '';
  return htmlPage(
    'Invitation',
    `<h1>Join ${escapeHtml(team.name)}</h1>
<p>You are invited to the team <strong>${escapeHtml(team.name)}</strong> of <strong>${escapeHtml(organization)}</strong> on Hookline.</p>
${fault ? `<p role="alert">${escapeHtml(fault)}</p>\n` : ''}<form method="post">
<label>E-mail
<input name="email" type="email" required autocomplete="username" maxlength="320" value="${escapeHtml(email)}"${invitation.email ? ' readonly' : ''}></label>
<label>Password
<input name="password" type="password" required autocomplete="current-password" maxlength="1024">
<small>Of your account; for a new one, at least 8 characters.</small></label>
<label>Name
<input name="name" autocomplete="name" maxlength="255" value="${escapeHtml(form.name ?? '')}">
<small>Only if you have no account yet.</small></label>
<button>Join the team</button>
</form>`,
  );
}

function welcomePage({ team, organization }: Invited, email: string): string {
  return htmlPage(
    'Welcome',
    `<h1>Welcome</h1>
<p>You are now in the team <strong>${escapeHtml(team.name)}</strong> of <strong>${escapeHtml(organization)}</strong>. Sign in with ${escapeHtml(email)} and your password.</p>`,
  );
}
