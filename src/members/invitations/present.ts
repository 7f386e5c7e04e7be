import { Type, type Static } from 'typebox';
import { UserRelation, type UserLookup } from '../../accounts/present.ts';
import { presentTeam, TeamRelation, type TeamRow } from '../../accounts/teams.ts';
import { OrganizationRelation, presentOrganization } from '../../inventory/places/present.ts';
import type { OrganizationRow } from '../../inventory/places/store.ts';
import { isoTime } from '../../platform/clock.ts';
import { Nullable, OneOf, Time, UuidText } from '../../platform/http/schemas.ts';
import type { InvitationRow } from './store.ts';

const statuses = {
  pending: 'Pending',
  accepted: 'Accepted',
  rejected: 'Rejected',
  active: 'Active',
  expired: 'Expired',
} as const;

export const Invitation = Type.Object(
  {
    id: UuidText,
    type: OneOf(['private', 'public']),
    email: Nullable(Type.String()),
    status: OneOf(['pending', 'accepted', 'rejected', 'active', 'expired']),
    status_human_readable: Type.String(),
    public_accept_url: Nullable(
      Type.String({ description: 'The link to hand over. Shown once, at creation; null ever after.' }),
    ),
    email_sent: Nullable(
      Type.Boolean({
        description:
          'At creation: whether a mail server has taken the e-mail; null when none was to be sent.',
      }),
    ),
    accepted_from_ip: Nullable(Type.String()),
    created_by_user: Nullable(UserRelation),
    team: Nullable(TeamRelation),
    organization: Nullable(OrganizationRelation),
    accepted_at: Nullable(Time),
    expires_at: Time,
    created_at: Time,
    updated_at: Time,
  },
  { title: 'Invitation' },
);

export function presentInvitation(
  row: InvitationRow,
  around: {
    team: TeamRow | undefined;
    organization: OrganizationRow | undefined;
    users: UserLookup;
    now: number;
    shownOnce?: { public_accept_url: string; email_sent: boolean | null };
  },
): Static<typeof Invitation> {
  const { team, organization, users, shownOnce } = around;
  const isOpen = row.status === 'pending' || row.status === 'active';
  const status = isOpen && row.expires_at <= around.now ? 'expired' : row.status;
  return {
    id: row.id,
    type: row.type,
    email: row.email,
    status,
    status_human_readable: statuses[status],
    public_accept_url: shownOnce?.public_accept_url ?? null,
    email_sent: shownOnce?.email_sent ?? null,
    accepted_from_ip: row.accepted_from_ip,
    created_by_user: users(row.created_by),
    team: team ? presentTeam(team, users) : null,
    organization: organization ? presentOrganization(organization, users) : null,
    accepted_at: isoTime(row.accepted_at),
    expires_at: isoTime(row.expires_at),
    created_at: isoTime(row.created_at),
    updated_at: isoTime(row.updated_at),
  };
}
