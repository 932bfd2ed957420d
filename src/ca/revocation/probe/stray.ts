/** URLs of ours of before: certificates name them, and nothing is published under them any more (T-INC-11). */
import type { Database } from '../../../database/database.ts';
import { parseCertificate } from '../../../x509/certificate.ts';
import { dayOf } from '../../../x509/serial.ts';
import type { Finding } from './judge.ts';
import { oldestCertificates } from './store.ts';

export interface Stray {
  readonly issuerKey: string;
  readonly what: 'named';
  readonly url: string;
}

export const STRAY: Finding = { fault: 'certificates name it, and the configuration does not: what they point at is published elsewhere, or nowhere' };

/**
 * What certificates of this issuer key name beside `known`. A sample is looked at, of those that end first: where a URL was changed, these
 * are the ones that have the old one, until the last of them has expired.
 */
export async function strayUrls(
  database: Database, issuerKey: string, signerIds: readonly number[], known: ReadonlySet<string>, now: number,
): Promise<Stray[]> {
  const stray = new Set<string>();
  for (const signerId of signerIds) {
    for (const { der } of await oldestCertificates(database, issuerKey, signerId, dayOf(now))) {
      const { crlDistributionPoints = [], authorityInfoAccess = [] } = parseCertificate(der).tbs;
      const named = [...crlDistributionPoints.flatMap(({ fullName = [] }) => fullName), ...authorityInfoAccess.map(({ location }) => location)];
      for (const { name } of named) if (name?.type === 'uri' && !known.has(name.value)) stray.add(name.value);
    }
  }
  return [...stray].map((url) => ({ issuerKey, what: 'named', url }));
}
