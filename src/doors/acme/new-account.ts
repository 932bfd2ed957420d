/** RFC 8555 §7.3: makes the account of a key, or finds it. */
import { publicId } from '../../database/public-id.ts';
import { spkiSha256 } from '../../x509/public-key.ts';
import { type Account, parseContact, requireValid } from './account.ts';
import { useOf } from './binding/store.ts';
import { notUsable, verifyBinding } from './binding/verify.ts';
import { refuseKey } from './blocked-key.ts';
import type { Acme, ByKey, KeyHandler, Reply } from './handler.ts';
import { accountSpending, whyLimited, writesOf } from './limits/limits.ts';
import { AcmeError, malformed } from './problem.ts';
import type { Site } from './site.ts';
import { accountByKey, createAccount } from './store.ts';
import { notAgreed } from './terms.ts';
import { accountUrl, renderAccount } from './wire.ts';

export const newAccount: KeyHandler = async (acme, given) => {
  const { site, key, payload } = given;
  if (payload === undefined) throw malformed('The payload must be a JSON object.');

  // §7.3: a key that has an account gets it back as it is, whatever else the request says.
  const existing = await accountByKey(acme.database, site, key.thumbprint);
  if (existing !== undefined) return found(site, existing);
  if (payload['onlyReturnExisting'] === true) throw new AcmeError('accountDoesNotExist', 'No account exists with this key.');
  await refuseKey(acme, site, key);
  return create(acme, given, payload);
};

async function create(acme: Acme, given: ByKey, payload: NonNullable<ByKey['payload']>): Promise<Reply> {
  const { database, clock, random } = acme;
  const { site, key, address } = given;
  const { termsOfService, limits } = site.directory;
  const agreed = payload['termsOfServiceAgreed'] === true;
  if (termsOfService !== undefined && !agreed) {
    throw notAgreed(termsOfService, 'The terms of service must be agreed to');
  }
  const contact = parseContact(payload['contact'], limits.contacts);
  const binding = await verifyBinding(acme, given, payload['externalAccountBinding']);
  const account: Account = {
    id: publicId(Number.POSITIVE_INFINITY, random), thumbprint: key.thumbprint, jwk: key.jwk, contact, state: 'valid', binding, paused: undefined,
    terms: agreed ? termsOfService : undefined,
  };
  const now = clock.now();
  const spending = accountSpending(site, address);
  const together = [...writesOf(spending, now), ...useOf(site, account, now, random)];
  if (await createAccount(database, site, account, spkiSha256(key.spki), agreed ? now : undefined, now, together)) {
    return { status: 201, body: renderAccount(site, account), headers: { Location: accountUrl(site, account.id) } };
  }
  // Another request with this key was faster, and made the account.
  const other = await accountByKey(database, site, key.thumbprint);
  if (other !== undefined) return found(site, other);
  await refuseKey(acme, site, key); // it may just have been certified
  const limited = await whyLimited(acme, site, spending);
  if (limited !== undefined) throw limited;
  if (binding !== undefined) throw notUsable('used-up'); // so was another request with this credential
  throw new Error('an account was neither made nor found');
}

function found(site: Site, account: Account): Reply {
  requireValid(account); // what was given up or taken back is never made again
  return { status: 200, body: renderAccount(site, account), headers: { Location: accountUrl(site, account.id) } };
}
