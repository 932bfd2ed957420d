/** What is looked at once more before a CRL takes the place of the published one, whoever made it. */
import { ALGORITHMS } from '../../../x509/algorithm.ts';
import type { CrlTbs } from '../../../x509/crl.ts';
import { crlUrlOf, type IssuerShape } from '../../../x509/shape.ts';
import type { ShardState } from './store.ts';

export interface Candidate {
  readonly tbs: CrlTbs;
  readonly signature: Uint8Array;
  readonly issuer: IssuerShape;
  readonly shard: number;
  /** How many of the certificates that the published CRL lists are not known to be revoked any more; see list.ts. */
  readonly missing: number;
  readonly published: ShardState | undefined;
  readonly now: number;
}

/** @returns every reason not to publish it, as clauses */
export function publicationFaults({ tbs, signature, issuer, shard, missing, published, now }: Candidate): string[] {
  const faults: string[] = [];
  const { number, nextUpdate = 0, distributionPoint } = tbs;
  if (!ALGORITHMS[issuer.algorithm].verify(issuer.spki, tbs.bytes, signature)) faults.push(`it is not signed by ${issuer.id}`);
  if (number === undefined || number.value <= BigInt(published?.number ?? 0)) faults.push(`its number is not above that of the published one, ${published?.number}`);
  const url = distributionPoint?.fullName?.[0]?.name?.value;
  if (url !== crlUrlOf(issuer, shard)) faults.push(`it is for ${url}`);
  if (nextUpdate <= now) faults.push('its nextUpdate is past');
  const lost = missing - (published?.withdrawn ?? 0);
  // Once the published one has run out, anything is better than nothing.
  if (lost > 0 && (published?.next_update ?? 0) > now) faults.push(`${lost} certificates are listed now that are neither expired nor in the new list`);
  return faults;
}
