/** RFC 8555 §7.5.1: the client says that its proof is in place, and we look. POST-as-GET only reads. */
import type { ChallengeType } from '../../config/generation.ts';
import { type Authorization, authorizationStatus } from './authorization.ts';
import { challengeStatus } from './challenge.ts';
import type { AccountHandler, Reply } from './handler.ts';
import { answerAttestation } from './device/answer-attestation.ts';
import { COME_BACK_S, PATIENCE_MS, within } from './patience.ts';
import { malformed, notFound } from './problem.ts';
import type { Site } from './site.ts';
import { load } from './store.ts';
import { authorizationUrl, renderChallenge } from './wire.ts';

export const answerChallenge: AccountHandler<'authorization'> = async (acme, { site, account, payload, about, ids }) => {
  const type = about.challenges.find((offered) => offered === ids['type']);
  if (type === undefined) throw notFound('challenge');
  // What the object says does not matter (`keyAuthorization` from older clients, or nothing at all); that there is one does.
  if (payload === undefined || about.attempt?.state === 'valid') return reply(site, about, type);

  const status = authorizationStatus(about, acme.clock.now());
  if (status !== 'pending') throw malformed(`The authorization is ${status}: order again.`);
  const { attempt: earlier } = about;
  if (earlier !== undefined && (earlier.type !== type || earlier.error === undefined)) return reply(site, about, type); // one validation at a time

  // Another request was faster, here or on another front: tell how far that one has come.
  const asItStands = async () => (await load.authorization(acme.database, site, account.id, ids, acme.clock.now()))?.about ?? about;
  if (type === 'device-attest-01') {
    const attempt = await answerAttestation(acme, { site, account, payload, about });
    return reply(site, attempt === undefined ? await asItStands() : { ...about, attempt }, type);
  }
  // §8.2: "Clients can explicitly request a retry by re-sending their response to a challenge"; it counts as one of the tries.
  const begun = earlier === undefined
    ? await acme.attempts.begin(site, about, type, account.thumbprint)
    : await acme.attempts.hasten(site, about, earlier, account.thumbprint);
  if (begun === undefined) return reply(site, await asItStands(), type);
  const attempt = (await within(begun.outcome, PATIENCE_MS)) ??
    { type, state: 'running', tries: 1, error: undefined, flights: [], evidence: undefined, finished: undefined, validUntil: undefined };
  return reply(site, { ...about, attempt }, type);
};

function reply(site: Site, authorization: Authorization, type: ChallengeType): Reply {
  return {
    status: 200,
    body: renderChallenge(site, authorization, type),
    headers: {
      Link: `<${authorizationUrl(site, authorization.id)}>;rel="up"`, // §7.5.1; certbot stops without it
      ...(challengeStatus(authorization, type) === 'processing' ? { 'Retry-After': String(COME_BACK_S) } : {}),
    },
  };
}
