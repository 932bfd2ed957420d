/** RFC 8555 §7.3.4: is this new account bound to an external one? The inner JWS, checked to the letter. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Account } from '../account.ts';
import type { Acme, ByKey } from '../handler.ts';
import { parseInnerJws } from '../jws.ts';
import { AcmeError, malformed } from '../problem.ts';
import { type CredentialStatus, credentialStatus, restrictionBy, sealedAs } from './credential.ts';
import { findCredential } from './store.ts';

/** RFC 8555 §7.3.4: a MAC, and of these nothing weaker than HS256. Without a prototype, so that "constructor" is none. */
const MACS: Readonly<Record<string, string | undefined>> = Object.assign(Object.create(null), { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' });

const CALLED = 'The external account binding';

/**
 * Who vouches for the account that this key asks for; undefined when nobody does and nobody has to. That the credential has a use left is
 * only certain when the account is committed. Throws AcmeError.
 */
export async function verifyBinding({ database, seal, keys, clock, random }: Acme, { site, key, url }: ByKey, given: unknown): Promise<Account['binding']> {
  if (given === undefined || given === null) {
    if (!site.directory.externalAccountRequired) return undefined;
    throw new AcmeError('externalAccountRequired', 'This directory makes accounts with an external account binding only: ask its operator for a key id and an HMAC key.');
  }
  const { header, payload, signature, signingInput, text } = parseInnerJws(given, CALLED, url);
  const hash = MACS[header.alg];
  if (hash === undefined) {
    throw new AcmeError('badSignatureAlgorithm', `${CALLED} must be signed with one of ${Object.keys(MACS).join(', ')}.`, { algorithms: Object.keys(MACS) });
  }
  const { kid } = header;
  if (typeof kid !== 'string' || 'jwk' in header) throw malformed(`${CALLED} must name its key: "kid", not "jwk".`);

  const found = await findCredential(database, site, kid);
  // An unknown key id costs what a known one does, and is told in the same words as a wrong key.
  const secret = found === undefined ? random(32) : seal.open(found.secret, sealedAs(found.credential.id));
  const mac = createHmac(hash, secret).update(signingInput).digest();
  const holds = mac.length === signature.length && timingSafeEqual(mac, signature);
  if (found === undefined || !holds) throw new AcmeError('unauthorized', `${CALLED} does not verify: no such key id in this directory, or another HMAC key.`);
  if ((await keys.thumbprintOf(payload)) !== key.thumbprint) throw malformed(`The payload of the external account binding must be the account's key, the "jwk" of the request.`);

  const { credential } = found;
  const status = credentialStatus(credential, clock.now());
  if (status !== 'usable') throw notUsable(status);
  const { id, restriction } = credential;
  return { credential: id, jws: text, restriction: restriction && restrictionBy(id, restriction) };
}

/** To whoever has the HMAC key, so it may be told. */
export const notUsable = (status: Exclude<CredentialStatus, 'usable'>): AcmeError =>
  new AcmeError('unauthorized', `${CALLED} ${WHY[status]}: ask the operator for another.`);

const WHY = { revoked: 'was revoked', expired: 'has expired', 'used-up': 'has made all the accounts that it may' } as const;
