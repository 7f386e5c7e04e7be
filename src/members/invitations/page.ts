import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';
import type { Throttle } from '../../accounts/throttle.ts';
import type { TeamRow } from '../../accounts/teams.ts';
import { findOrganization } from '../../inventory/places/store.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Db } from '../../platform/database/connect.ts';
import { AppError, errorStatus, notFound } from '../../platform/errors.ts';
import { escapeHtml, htmlPage, pageHeaders } from '../../platform/http/page.ts';
import { Uuid } from '../../platform/http/schemas.ts';
import { knownError } from '../../platform/http/send-error.ts';
import type { HttpApp } from '../../platform/http/server.ts';
import { joinWithPassword, openInvitation } from './accept.ts';
import type { InvitationRow } from './store.ts';

type Context = { db: Db; clock: Clock; throttle: Throttle };
type Invited = { invitation: InvitationRow; team: TeamRow; organization: string };
type Form = { name?: string; email?: string; password?: string };

const mostFormBytes = 16_384;
const noNul = 'The form must not hold a NUL character.';

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
        const fields = [...new URLSearchParams(text.toString())];
        // As in a JSON body: one of the two databases can store no NUL.
        if (fields.some(([, value]) => value.includes('\0'))) done(new AppError('bad_request', noNul));
        else done(null, Object.fromEntries(fields));
      },
    );
    // A form is all that this page takes: its fields are texts.
    pages.removeContentTypeParser('application/json');
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
      // The events of the audit name it by this.
      schema: { ...schema, operationId: 'acceptTeamInvitation' },
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

const labels: Record<string, string> = { email: 'The e-mail', password: 'The password', name: 'The name' };

function sentence({ message, fields }: AppError): string {
  if (!fields) return message;
  return fields.map((fault) => `${labels[fault.field] ?? fault.field} ${fault.message}.`).join(' ');
}

/** A link that is wrong, used or expired, and whatever else goes wrong. */
function sendFault(reply: FastifyReply, error: unknown): FastifyReply {
  const told = knownError(error);
  // An address that is no link of ours at all is told like a wrong one.
  const known = told.code === 'invalid' ? notFound('An invitation with this link') : told;
  const status = errorStatus[known.code];
  const text = status < 500 ? known.message : 'Something went wrong on our side. Try again later.';
  if (status >= 500) reply.log.error({ err: error });
  if (known.retryAfterSeconds !== null) reply.header('retry-after', String(known.retryAfterSeconds));
  const hint =
    status === 404
      ? '\n<p>Check that the whole link was copied, or ask whoever invited you for a new one.</p>'
      : '';
  const body = `<h1>Invitation</h1>\n<p role="alert">${escapeHtml(text)}</p>${hint}`;
  return reply.status(status).headers(pageHeaders).send(htmlPage('Invitation – Hookline', body));
}

function formPage({ invitation, team, organization }: Invited, form: Form, fault: string | null): string {
  const email = invitation.email ?? form.email ?? '';
  const [forEmail, forPassword] = email ? ['', ' autofocus'] : [' autofocus', ''];
  const title = `Join ${team.name} – Hookline`;
  return htmlPage(
    fault ? `Error: ${title}` : title,
    `<h1>Join ${escapeHtml(team.name)}</h1>
<p>You are invited to the team <strong>${escapeHtml(team.name)}</strong> of <strong>${escapeHtml(organization)}</strong> on Hookline.</p>
${fault ? `<p role="alert">${escapeHtml(fault)}</p>\n` : ''}<form method="post">
<label>E-mail
<input name="email" type="email" required autocomplete="username" maxlength="320" value="${escapeHtml(email)}"${invitation.email ? ' readonly' : forEmail}></label>
<label>Password
<input name="password" type="password" required autocomplete="current-password" maxlength="1024" aria-describedby="password-hint"${forPassword}>
<small id="password-hint">That of your account. Without one yet, choose at least 8 characters.</small></label>
<label>Name
<input name="name" autocomplete="name" maxlength="255" value="${escapeHtml(form.name ?? '')}" aria-describedby="name-hint">
<small id="name-hint">Only if you have no account yet.</small></label>
<button>Join the team</button>
</form>`,
  );
}

function welcomePage({ team, organization }: Invited, email: string): string {
  return htmlPage(
    'Welcome – Hookline',
    `<h1>Welcome</h1>
<p>You are now in the team <strong>${escapeHtml(team.name)}</strong> of <strong>${escapeHtml(organization)}</strong>.</p>
<p>Sign in as <strong>${escapeHtml(email)}</strong> with your password.</p>`,
  );
}
