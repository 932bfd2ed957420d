/** RFC 8555 §7.6: a certificate is revoked by who got it, by who controls all its names, or by who has its key. */
import { type RevocationAuthority, type RevocationOutcome, type RevocationReason, mayUse, reasonOf } from '../../../ca/index.ts';
import { type Certificate, parseCertificate } from '../../../x509/certificate.ts';
import { type ProofSubject, proofKeysFor } from '../authorization.ts';
import { decodeBase64url } from '../base64url.ts';
import type { Acme, BySigner, Reply, SignerHandler } from '../handler.ts';
import { AcmeError, malformed, notFound } from '../problem.ts';
import { isOfRenewingOrder } from '../star/store.ts';
import { findProofs, REQUESTER_KIND } from '../store.ts';
import { type Issued, issuedAs } from './store.ts';

/** Who signed with the key that a request brought along, and has no account here, for all we know. */
const KEY_HOLDER = 'certificate-key';

interface Found extends Issued {
  readonly issuerKey: string;
  readonly certificate: Certificate;
}

export const revokeCertificate: SignerHandler = async (acme, given) => {
  const { site, account, key, payload, signed, correlation } = given;
  if (payload === undefined) throw malformed('The payload must be a JSON object.');
  const found = await certificateIn(acme, given, payload['certificate']);
  const code = parseReason(payload['reason']);
  const authority = await authorityOf(acme, given, found);
  if (authority === undefined) {
    throw new AcmeError('unauthorized', account === undefined
      ? 'The key that signed is not the key of the certificate.'
      : 'The certificate was issued to another account, and this one does not have a valid authorization for each of its names.');
  }
  // RFC 8739 §3.1.3: such an order is canceled instead.
  if (await isOfRenewingOrder(acme.database, found.requestRef)) {
    throw new AcmeError('autoRenewalRevocationNotSupported', 'The certificate is of an order that renews itself: cancel the order.');
  }
  return toReply(await acme.ca.revoke({
    realm: site.realm, issuerKey: found.issuerKey, serial: found.certificate.tbs.serial, door: 'acme', authority, correlation,
    reason: reasonFor(code, authority),
    requester: account === undefined ? { kind: KEY_HOLDER, id: key.thumbprint } : { kind: REQUESTER_KIND, id: account.id },
    evidence: { ...signed, jwk: JSON.parse(key.jwk) as unknown },
  }));
};

/** The whole certificate must be one of ours, not its serial alone. Throws AcmeError. */
async function certificateIn({ ca, database }: Acme, { site }: BySigner, given: unknown): Promise<Found> {
  const der = typeof given === 'string' ? decodeBase64url(given) : undefined;
  if (der === undefined) throw malformed('"certificate" must be base64url of the DER, not PEM.');
  const certificate = parse(der);
  const { keyId } = certificate.tbs.authorityKeyId ?? {};
  const issuerKey = keyId === undefined ? undefined : ca.issuerKeyOf(keyId);
  const issued = issuerKey === undefined ? undefined : await issuedAs(database, site.realm, issuerKey, certificate.tbs.serial);
  if (issuerKey === undefined || issued === undefined || Buffer.compare(issued.der, der) !== 0) throw notFound('certificate');
  return { ...issued, issuerKey, certificate };
}

function parse(der: Uint8Array): Certificate {
  try {
    const certificate = parseCertificate(der);
    void certificate.tbs.authorityKeyId; // decoded when it is asked for
    return certificate;
  } catch (error) {
    if (error instanceof Error && error.name === 'DerError') throw malformed(`"certificate" cannot be read: ${error.message}.`);
    throw error;
  }
}

/** RFC 5280 §5.3.1. Throws AcmeError for what is no code at all. */
function parseReason(given: unknown): number {
  if (given === undefined || given === null) return 0;
  if (typeof given === 'number' && Number.isInteger(given)) return given;
  throw malformed('"reason" must be the number of a reason (RFC 5280 §5.3.1).');
}

/** RFC 8555 §7.6: "SHOULD disallow a subset … MUST … badRevocationReason … SHOULD indicate … which reasonCodes are allowed". */
function reasonFor(code: number, authority: RevocationAuthority): RevocationReason {
  const isAllowed = (each: number): boolean => mayUse(authority, reasonOf(each));
  const reason = reasonOf(code);
  if (reason !== undefined && isAllowed(code)) return reason;
  const allowed = Array.from({ length: 11 }, (_, each) => each).filter(isAllowed);
  throw new AcmeError('badRevocationReason', `The reason may be one of ${allowed.join(', ')} here.`);
}

async function authorityOf({ database, clock }: Acme, { site, account, key }: BySigner, found: Found): Promise<RevocationAuthority | undefined> {
  const { tbs } = found.certificate;
  if (account === undefined) return Buffer.compare(key.spki, tbs.spki) === 0 ? 'key' : undefined;
  if (found.requesterKind === REQUESTER_KIND && found.requesterId === account.id) return 'subscriber';
  // One directory's proofs say nothing about what another gave away: they may be easier to come by.
  if (found.directory !== site.directory.name) return undefined;
  const names = (tbs.altNames ?? []).map(({ name }) => name);
  const subjects = names.flatMap((name): ProofSubject[] => {
    if (name === undefined || (name.type !== 'dns' && name.type !== 'ip')) return []; // nothing here could prove it
    const wildcard = name.type === 'dns' && name.value.startsWith('*.');
    return [{ account: account.id, identifier: { type: name.type, value: wildcard ? name.value.slice(2) : name.value }, wildcard, subdomains: false }];
  });
  if (subjects.length === 0 || subjects.length < names.length) return undefined;
  const keys = subjects.map((subject) => proofKeysFor(subject, site.directory.subdomains));
  const proven = new Set((await findProofs(database, [...new Set(keys.flat())], { provenAfter: 0, validAfter: clock.now() })).map(({ proves }) => proves));
  return keys.every((any) => any.some((each) => proven.has(each))) ? 'names' : undefined;
}

/** §7.6: "If the revocation succeeds, the server responds with status code 200 (OK)." certbot takes no other. */
function toReply(outcome: RevocationOutcome): Reply {
  switch (outcome.kind) {
    case 'revoked': return { status: 200 };
    case 'already-revoked': throw new AcmeError('alreadyRevoked', `The certificate was revoked on ${new Date(outcome.at).toISOString()}.`);
    case 'unknown': throw notFound('certificate');
    case 'refused': {
      const expired = outcome.reasons.some(({ kind }) => kind === 'expired');
      throw expired ? new AcmeError('unauthorized', 'The certificate has expired.') : new AcmeError('badRevocationReason', 'That reason may not be given here.');
    }
  }
}
