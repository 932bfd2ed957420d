/** `replaces` in a new order (RFC 9773 §5): which certificate it renews, checked. What another order has claimed is free again once that order has failed. */
import type { Account } from '../account.ts';
import type { Acme } from '../handler.ts';
import type { Identifier } from '../identifier.ts';
import { orderStatus } from '../order.ts';
import { AcmeError, malformed, notFound } from '../problem.ts';
import type { Site } from '../site.ts';
import { load, REQUESTER_KIND } from '../store.ts';
import { parseCertId } from './cert-id.ts';
import { predecessorAt } from './store.ts';

/** What an order that is a renewal knows of its predecessor. */
export interface Renews {
  /** As the client wrote it: shown in the order. */
  readonly certId: string;
  /** `ISSUERKEY:SERIAL` */
  readonly certificate: string;
  /** Common to all certificates that follow each other. */
  readonly lineage: string;
}

/**
 * What an order renews, the failed order whose claim it takes over, and whether it has names that its predecessor had not. Undefined for an
 * order that renews nothing. Throws AcmeError.
 */
export async function parseReplaces(
  acme: Pick<Acme, 'ca' | 'clock' | 'database'>, site: Site, account: Account, identifiers: readonly Identifier[], given: unknown,
): Promise<{ renews: Renews; from: string | undefined; addsNames: boolean } | undefined> {
  if (given === undefined || given === null || given === '') return undefined;
  const id = typeof given === 'string' ? parseCertId(given) : undefined;
  if (id === undefined) throw malformed('"replaces" is no certificate identifier: base64url of the key identifier, a dot, base64url of the serial (RFC 9773 §4.1).');
  const issuerKey = acme.ca.issuerKeyOf(id.keyId);
  const found = issuerKey === undefined ? undefined : await predecessorAt(acme.database, site.realm, issuerKey, id.serial);
  if (found === undefined) throw notFound('certificate as "replaces" names');
  // Accounts belong to one directory, so a certificate of another directory is another account's.
  if (found.requesterKind !== REQUESTER_KIND || found.requesterId !== account.id) {
    throw new AcmeError('unauthorized', 'The certificate that "replaces" names was issued to another account.');
  }
  const had = new Set(found.names);
  const added = identifiers.filter(({ type, value }) => !had.has(`${type}:${value}`)).length;
  if (added === identifiers.length) {
    throw malformed('The order has no identifier in common with the certificate that it replaces.');
  }
  if (found.replaced || (found.claimedBy !== undefined && (await isAlive(acme, site, account, found.claimedBy)))) throw alreadyReplaced();
  return { renews: { certId: given as string, certificate: `${issuerKey}:${id.serial}`, lineage: found.lineage }, from: found.claimedBy, addsNames: added > 0 };
}

/** RFC 9773 §5: "the server MUST reject the request and … status code 409". Clients order again, without `replaces`. */
export const alreadyReplaced = (): AcmeError =>
  new AcmeError('alreadyReplaced', 'Another order replaces this certificate already. Order without "replaces".');

async function isAlive({ clock, database }: Pick<Acme, 'clock' | 'database'>, site: Site, account: Account, order: string): Promise<boolean> {
  const now = clock.now();
  const holder = await load.order(database, site, account.id, { order }, now);
  return holder?.about !== undefined && orderStatus(holder.about, now) !== 'invalid';
}
