/** RFC 8555 §7.5, §7.5.2: POST-as-GET reads an authorization; {"status":"deactivated"} ends it for good. */
import { authorizationStatus } from './authorization.ts';
import type { AccountHandler } from './handler.ts';
import { COME_BACK_S } from './patience.ts';
import { malformed } from './problem.ts';
import { deactivateAuthorization } from './store.ts';
import { authorizationUrl, renderAuthorization } from './wire.ts';

export const updateAuthorization: AccountHandler<'authorization'> = async ({ clock, database }, { site, payload = {}, about }) => {
  const now = clock.now();
  let authorization = about;
  if ('status' in payload) {
    if (payload['status'] !== 'deactivated') throw malformed('The only status that an authorization can be given is "deactivated".');
    const status = authorizationStatus(authorization, now);
    if (status !== 'pending' && status !== 'valid') throw malformed(`The authorization is ${status} already.`);
    await deactivateAuthorization(database, authorization.id, now);
    authorization = { ...authorization, deactivated: true };
  }
  return {
    status: 200,
    body: renderAuthorization(site, authorization, now),
    headers: {
      // Some clients take a Location here for the authorization's URL, so it is that, or nothing.
      Location: authorizationUrl(site, authorization.id),
      ...(authorization.attempt?.state === 'running' ? { 'Retry-After': String(COME_BACK_S) } : {}),
    },
  };
};
