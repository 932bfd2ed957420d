/** When a certificate should be renewed, as anybody may ask: the profile's rule, the operator's pulls and its revocation, in one read. */
import type { Renewal } from '../ca.ts';
import type { RenewalParts } from './pull.ts';
import { renewable } from './store.ts';
import { lookAgainMs, suggestedWindow } from './window.ts';

/** For a profile that is gone from the configuration. */
const BY_DEFAULT = { fromPercent: 45, toPercent: 55 };

/** Undefined when there is no such certificate in the realm. */
export async function renewalOf(
  { authority, database }: Pick<RenewalParts, 'authority' | 'database'>, realm: string, issuerKey: string, serial: string,
): Promise<Renewal | undefined> {
  const rows = await renewable(database, realm, issuerKey, serial);
  const [row] = rows;
  if (row === undefined) return undefined;
  const certificate = { serial, notBefore: row.not_before, notAfter: row.not_after };
  const pulls = rows.flatMap(({ at, over_ms }) => (at === null || over_ms === null ? [] : [{ at, overMs: over_ms }]));
  if (row.revoked !== null) pulls.push({ at: row.revoked, overMs: 0 }); // whoever asks should not have to wait; what is on hold (6) may come back
  const rule = authority().generation.profiles.get(row.profile)?.renewal ?? BY_DEFAULT;
  return {
    window: suggestedWindow(certificate, rule, pulls),
    explanation: rows.find(({ explanation }) => explanation !== null)?.explanation ?? undefined,
    replaced: row.replaced === 1, lookAgainMs: lookAgainMs(certificate),
  };
}
