/** I9, I3: what an order leans on is its own account's, and each certificate had all its proofs when it was meant. */
import { createHash, createPublicKey, type JsonWebKey } from 'node:crypto';
import { proofKey } from '../../../src/doors/acme/authorization.ts';
import { type Bad, type Facts, keyOf, objectIn } from './facts.ts';

export function checkProofs(facts: Facts, bad: Bad): void {
  checkOrders(facts, bad);
  checkAuthorizations(facts, bad);
  checkCertificates(facts, bad);
  for (const { id, jwk, spki_sha256 } of facts.accounts.values()) {
    const spki = createPublicKey({ key: JSON.parse(jwk) as JsonWebKey, format: 'jwk' }).export({ type: 'spki', format: 'der' });
    if (createHash('sha256').update(spki).digest('hex') !== spki_sha256) bad('I9', `account ${id} is looked up by the digest of another key`);
  }
}

function checkOrders({ orders, authorizations }: Facts, bad: Bad): void {
  for (const order of orders.values()) {
    for (const id of JSON.parse(order.authorizations) as string[]) {
      const authorization = authorizations.get(id);
      if (authorization === undefined) bad('I9', `order ${order.id} leans on an authorization that is not there`);
      else if (authorization.account !== order.account) bad('I9', `order ${order.id} leans on the authorization of another account`);
    }
  }
}

/** What later orders find a proof by must be what it is a proof of. */
function checkAuthorizations({ authorizations }: Facts, bad: Bad): void {
  for (const { id, account, type, value, wildcard, subdomains, proves, state } of authorizations.values()) {
    // A device proves itself for one order alone.
    const isDevice = type !== 'dns' && type !== 'ip';
    const expected = isDevice ? null : proofKey({ account, identifier: { type, value }, wildcard: wildcard === 1, subdomains: subdomains === 1 });
    if (state !== null && proves !== expected) bad('I9', `the attempt of authorization ${id} is found as a proof of something else`);
  }
}

/** Certificates that were completed from the journal after a restore have lost theirs; those of later periods were proven for the first. */
function checkCertificates({ certificates, orders, authorizations, intentBySerial, evidenceByDigest }: Facts, bad: Bad): void {
  for (const row of certificates) {
    const order = orders.get(row.request_ref);
    const meant = intentBySerial.get(keyOf(row))?.created;
    if (order === undefined || meant === undefined || objectIn(evidenceByDigest.get(row.evidence_digest)?.body ?? '')['restored'] !== undefined) continue;
    for (const id of JSON.parse(order.authorizations) as string[]) {
      const { state, finished, valid_until } = authorizations.get(id) ?? { state: null, finished: null, valid_until: null };
      const proven = state === 'valid' && finished !== null && finished <= meant && valid_until !== null && meant < valid_until;
      if (!proven) bad('I3', `certificate ${keyOf(row)} was meant without a proof for authorization ${id}`);
    }
  }
}
