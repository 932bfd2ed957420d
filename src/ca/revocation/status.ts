/** What there is to say about a serial: the answer to OCSP, in the CA's own words. */
import type { Database } from '../../database/database.ts';
import type { CertificateStatus } from '../ca.ts';
import { reasonOf } from './reason.ts';
import { findTarget, revocationOf } from './store.ts';

export async function statusOf(database: Database, issuerKey: string, serial: string): Promise<CertificateStatus> {
  // Asked in this order, so that a revocation between the two reads is seen, or was not yet made when we were asked.
  const target = await findTarget(database, issuerKey, serial);
  const revocation = target ?? (await revocationOf(database, issuerKey, serial));
  if (revocation === undefined) return { kind: 'unknown' };
  const { reason, revoked_at } = revocation;
  if (reason === null || revoked_at === null) return { kind: 'good' };
  return { kind: 'revoked', reason: reasonOf(reason) ?? 'unspecified', at: revoked_at };
}
