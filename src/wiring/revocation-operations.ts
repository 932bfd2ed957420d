/** What the operator can have revoked over the admin socket. */
import { userInfo } from 'node:os';
import { type BulkRequest, type Place, revokeSelected, type Selection } from '../ca/revocation/bulk.ts';
import { REASON_CODE, reasonOf, type RevocationReason } from '../ca/revocation/reason.ts';
import { mayBecome, refusals, revoke, type RevocationParts, unhold } from '../ca/revocation/revoke.ts';
import { findTarget } from '../ca/revocation/store.ts';
import { OperatorMistake, type Operations } from '../doors/admin/admin.ts';

/** As the command line sends it; times in ms UTC. */
interface Asked extends Selection {
  readonly reason: string;
  readonly compromisedAt?: number;
  readonly deadline?: number;
  readonly dryRun?: boolean;
  readonly after?: Place;
  readonly correlation?: string;
}

export function revocationOperations(parts: RevocationParts): Pick<Operations, 'revoke' | 'unhold'> {
  const common = () => ({ realm: parts.authority().generation.realm, door: 'admin', requester: { kind: 'operator', id: userInfo().username } });
  const keyOf = (issuerKey: string | undefined): string => {
    const known = [...parts.authority().issuerKeys.keys()];
    if (issuerKey === undefined || known.includes(issuerKey)) return issuerKey ?? '';
    throw new OperatorMistake(`there is no issuer key "${issuerKey}": it is one of ${known.join(', ')}`);
  };

  return {
    async revoke(body) {
      const { reason: asked, compromisedAt, deadline, dryRun = false, after, correlation, ...selection } = body as Asked;
      const reason = reasonFrom(asked);
      keyOf(selection.issuerKey);
      const { profiles } = parts.authority().generation;
      if (selection.profile !== undefined && !profiles.has(selection.profile)) {
        throw new OperatorMistake(`there is no profile "${selection.profile}": it is one of ${[...profiles.keys()].join(', ')}`);
      }
      const how = { ...common(), reason, ...(compromisedAt === undefined ? {} : { compromisedAt }), ...(correlation === undefined ? {} : { correlation }) };
      if (selection.serial !== undefined) return (dryRun ? look : one)(parts, how, selection.serial, selection.issuerKey);
      const request: BulkRequest = {
        ...how, selection, dryRun, ...(after === undefined ? {} : { after }), ...(deadline === undefined ? {} : { afterReplacement: { deadline } }),
      };
      return revokeSelected(parts, request);
    },

    async unhold(body) {
      const { serial, issuerKey } = body as { serial: string; issuerKey?: string };
      for (const id of issuerKey === undefined ? parts.authority().issuerKeys.keys() : [keyOf(issuerKey)]) {
        const outcome = await unhold(parts, { ...common(), issuerKey: id, serial });
        if (outcome.kind === 'unheld') return { serial, issuerKey: id };
        if (outcome.kind === 'not-held') throw new OperatorMistake(`certificate ${serial} is not held`);
      }
      throw new OperatorMistake(`there is no certificate with serial ${serial} here`);
    },
  };
}

type How = Omit<Parameters<typeof revoke>[1], 'issuerKey' | 'serial' | 'authority'>;

async function one(parts: RevocationParts, how: How, serial: string, issuerKey: string | undefined) {
  for (const id of issuerKey === undefined ? parts.authority().issuerKeys.keys() : [issuerKey]) {
    const outcome = await revoke(parts, { ...how, authority: 'operator', issuerKey: id, serial });
    if (outcome.kind === 'unknown') continue;
    if (outcome.kind === 'refused') throw new OperatorMistake(outcome.reasons.map(({ detail, remedy }) => (remedy === undefined ? detail : `${detail}: ${remedy}`)).join('; '));
    return { serial, issuerKey: id, ...outcome };
  }
  throw new OperatorMistake(`there is no certificate with serial ${serial} here`);
}

/** What `one` would find, changing nothing. */
async function look(parts: RevocationParts, how: How, serial: string, issuerKey: string | undefined) {
  for (const id of issuerKey === undefined ? parts.authority().issuerKeys.keys() : [issuerKey]) {
    const target = await findTarget(parts.database, id, serial);
    if (target?.realm !== how.realm) continue;
    const [refusal] = refusals(parts, { ...how, authority: 'operator' }, target, parts.clock.now());
    const is = target.reason === null ? undefined : reasonOf(target.reason);
    return {
      serial, issuerKey: id, profile: target.profile, owner: `${target.requester_kind} ${target.requester_id}`, ...(is === undefined ? {} : { is }),
      ...(refusal === undefined ? { would: mayBecome(target, how.reason) ? how.reason : 'nothing' } : { would: 'refuse', why: refusal.detail }),
    };
  }
  throw new OperatorMistake(`there is no certificate with serial ${serial} here`);
}

function reasonFrom(name: string): RevocationReason {
  if (Object.hasOwn(REASON_CODE, name)) return name as RevocationReason;
  throw new OperatorMistake(`"${name}" is no reason: it is one of ${Object.keys(REASON_CODE).join(', ')}`);
}
