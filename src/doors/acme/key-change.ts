/** RFC 8555 §7.3.5: an account gets another key. The old key signs the request, and the new one what is inside it. */
import { refuseKey } from './blocked-key.ts';
import type { AccountHandler } from './handler.ts';
import { type JsonObject, isObject } from './json.ts';
import { parseInnerJws } from './jws.ts';
import { AcmeError, malformed } from './problem.ts';
import { accountIn, checkSignature } from './request.ts';
import { accountByKey, changeKey } from './store.ts';
import { accountUrl, renderAccount } from './wire.ts';

export const keyChange: AccountHandler<'nothing'> = async (acme, { site, account, payload, url }) => {
  const { database, keys } = acme;
  const inner = parseInnerJws(payload, 'The inner JWS', url);
  const { jwk } = inner.header;
  if ('kid' in inner.header || !isObject(jwk)) throw malformed('The inner JWS must bring the new key: "jwk", not "kid".');
  const key = await keys.given(jwk, inner.header.alg);
  await checkSignature(inner, key, 'the inner JWS');
  await checkContent(inner.payload);
  if (key.thumbprint === account.thumbprint) throw await whyNot();
  await refuseKey(acme, site, key);
  if (!(await changeKey(database, site.realm, account, key))) throw await whyNot();
  return { status: 200, body: renderAccount(site, account), headers: { Location: accountUrl(site, account.id) } };

  /** Both say that whoever holds the new key means this account, as it is now. */
  async function checkContent({ account: named, oldKey }: JsonObject): Promise<void> {
    if (typeof named !== 'string' || accountIn(named, site) !== account.id) {
      throw malformed('"account" must be the URL of the account that signs the request.');
    }
    if ((await keys.thumbprintOf(oldKey)) !== account.thumbprint) throw malformed('"oldKey" must be the key that the account has now.');
  }

  async function whyNot(): Promise<AcmeError> {
    const holder = await accountByKey(database, site, key.thumbprint);
    if (holder === undefined) await refuseKey(acme, site, key); // it may just have been certified
    if (holder === undefined) return malformed('The account was changed meanwhile: look at it again.');
    return new AcmeError('malformed', 'The new key is that of an account already.', {
      status: 409, headers: { Location: accountUrl(site, holder.id) },
    });
  }
};
