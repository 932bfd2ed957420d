/** RFC 8555 §7.3: makes the account of a key, or finds it. */
import { publicId } from '../../database/public-id.ts';
import { type Account, parseContact } from './account.ts';
import type { Acme, ByKey, KeyHandler, Reply } from './handler.ts';
import { AcmeError, malformed } from './problem.ts';
import type { Site } from './site.ts';
import { accountByKey, createAccount } from './store.ts';
import { accountUrl, renderAccount } from './wire.ts';

export const newAccount: KeyHandler = async (acme, given) => {
  const { site, key, payload } = given;
  if (payload === undefined) throw malformed('The payload must be a JSON object.');

  // §7.3: a key that has an account gets it back as it is, whatever else the request says.
  const existing = await accountByKey(acme.database, site, key.thumbprint);
  if (existing !== undefined) return found(site, existing);
  if (payload['onlyReturnExisting'] === true) throw new AcmeError('accountDoesNotExist', 'No account exists with this key.');
  return create(acme, given, payload);
};

async function create({ database, clock, random }: Acme, { site, key }: ByKey, payload: NonNullable<ByKey['payload']>): Promise<Reply> {
  const { termsOfService, limits } = site.directory;
  const agreed = payload['termsOfServiceAgreed'] === true;
  if (termsOfService !== undefined && !agreed) {
    throw new AcmeError('userActionRequired', `The terms of service must be agreed to: ${termsOfService}`, {
      headers: { Link: `<${termsOfService}>;rel="terms-of-service"` },
    });
  }
  const contact = parseContact(payload['contact'], limits.contacts);
  const account: Account = {
    id: publicId(Number.POSITIVE_INFINITY, random), thumbprint: key.thumbprint, jwk: key.jwk, contact, state: 'valid',
  };
  const now = clock.now();
  if (await createAccount(database, site, account, agreed ? now : undefined, now)) {
    return { status: 201, body: renderAccount(site, account), headers: { Location: accountUrl(site, account.id) } };
  }
  // Another request with this key was faster, and made the account.
  const other = await accountByKey(database, site, key.thumbprint);
  if (other === undefined) throw new Error('an account was neither made nor found');
  return found(site, other);
}

function found(site: Site, account: Account): Reply {
  // §7.3.6: for a deactivated account, 401; it is never made again.
  if (account.state !== 'valid') throw new AcmeError('unauthorized', 'The account of this key is deactivated.', { status: 401 });
  return { status: 200, body: renderAccount(site, account), headers: { Location: accountUrl(site, account.id) } };
}
