/** RFC 8555 §7.4: the CSR is checked against the order, and the CA is asked for the certificate. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { IssuanceOutcome, Refusal } from '../../ca/index.ts';
import * as events from '../../telemetry/events.ts';
import { type Csr, hostNamesOf, parseCsr, verifyCsr } from '../../x509/csr.ts';
import { nameKey } from '../../x509/name.ts';
import { publicKeyFault, spkiSha256 } from '../../x509/public-key.ts';
import { requireValid } from './account.ts';
import { authorizationFor } from './authorization.ts';
import { decodeBase64url } from './base64url.ts';
import { refuseBlockedKey, refuseListedKey } from './blocked-key.ts';
import { type Rechecked, recheckCaa } from './caa.ts';
import type { AccountHandler, Acme, ByAccount } from './handler.ts';
import { hadNames } from './limits/limits.ts';
import { type Order, orderStatus } from './order.ts';
import { PATIENCE_MS, within } from './patience.ts';
import { AcmeError, malformed, refused } from './problem.ts';
import { replyWithOrder } from './read-order.ts';
import { nothingAgainst } from './issuance/store.ts';
import { holdClaim } from './renewal/store.ts';
import { isAttestedKey } from './device/answer-attestation.ts';
import { isDevice, namesOf, subjectOf } from './device/device-identifier.ts';
import { requesterOf } from './requester.ts';
import { nextDue, validityAt } from './star/auto-renewal.ts';
import { beginRenewing } from './star/store.ts';
import { isAccountKey, load } from './store.ts';

const LOOK_AGAIN_MS = 100;

export const finalize: AccountHandler<'order'> = async (acme, given) => {
  const { site, about: order, payload } = given;
  if (payload === undefined) throw malformed('The payload must be a JSON object.');
  const status = orderStatus(order, acme.clock.now());
  if (status !== 'ready') throw notReady(`The order is ${status}, not ready.`);
  // draft-ietf-acme-profiles §4: the directory may have withdrawn it since the order was made.
  if (!site.directory.profiles.includes(order.profile)) throw new AcmeError('invalidProfile', `Profile ${order.profile} is not offered here any more.`);
  refuseListedKey(acme, given.key);
  const csr = await requestedBy(payload['csr'], order);
  const rechecked = await recheckCaa(acme, given);

  const issuing = issue(acme, given, csr, rechecked);
  issuing.catch((error: unknown) => events.faultCaught({ where: 'finalize', error })); // it may outlast our answer
  const outcome = await within(issuing, PATIENCE_MS);
  if (outcome?.kind === 'refused') throw await whyNot(acme, given, csr, outcome.reasons); // the order stays ready
  if (outcome?.kind !== 'issued') return replyWithOrder(site, { ...order, issuing: true }, acme.clock.now());

  const { certificate, first } = outcome;
  // Of several finalize requests one got its certificate; those with another key must not be told that it is theirs.
  if (!first && !Buffer.from(certificate.der).includes(Buffer.from(csr.spki))) throw notReady('The order was finalized with another CSR.');
  return replyWithOrder(site, { ...order, certificate }, acme.clock.now());
};

/** The CA knows that something changed while it was asked; what that was the door has to see for itself. Throws AcmeError too. */
async function whyNot(acme: Acme, { site, account, key, about: order }: ByAccount<'order'>, csr: Csr, reasons: readonly Refusal[]): Promise<AcmeError> {
  if (!reasons.some(({ kind }) => kind === 'moved-on')) return refused(reasons);
  const { clock, database } = acme;
  await refuseBlockedKey(acme, site, key);
  // §11.1: whoever gets hold of the certificate's key must not get hold of the account by it.
  if (await isAccountKey(database, site.realm, spkiSha256(csr.spki))) return new AcmeError('badCSR', 'The CSR must not be for the key of an account.');
  const now = clock.now();
  const loaded = await load.order(database, site, account.id, { order: order.id }, now);
  if (loaded !== undefined) requireValid(loaded.account);
  const status = loaded?.about === undefined ? 'ready' : orderStatus(loaded.about, now);
  return status === 'ready' ? refused(reasons) : notReady(`The order is ${status}, not ready.`);
}

const notReady = (detail: string): AcmeError => new AcmeError('orderNotReady', detail);

/** Asks the CA, and asks on for as long as an answer may take: most clients then need no poll. */
async function issue(acme: Acme, { site, account, key, about: order, signed, correlation }: ByAccount<'order'>, csr: Csr, rechecked: readonly Rechecked[]): Promise<IssuanceOutcome> {
  const now = acme.clock.now();
  const until = now + PATIENCE_MS;
  const evidence = { authorizations: proofsOf(order, rechecked), request: { ...signed, jwk: JSON.parse(key.jwk) as unknown } };
  const { renews, autoRenewal } = order;
  const validity = autoRenewal === undefined ? askedFor(order) : validityAt(autoRenewal, now);
  const outcome = await acme.ca.issue({
    realm: site.realm, door: 'acme', profile: order.profile, names: namesOf(order.identifiers), ...subjectOf(order.identifiers), publicKey: csr.spki, ...validity,
    requester: requesterOf(site, account), requestRef: order.id, correlation, evidence,
    // RFC 9773 §5: a renewal continues its predecessor's lineage, and is issued only while no other order has taken its place.
    ...(renews === undefined ? {} : { replaces: renews.certificate, lineage: renews.lineage }),
    together: [
      ...hadNames(site, account.id, order.identifiers, now),
      ...(renews === undefined ? [] : [holdClaim(order.id)]),
      ...nothingAgainst(acme.database.engine, site.realm, order.id, csr.spki),
      ...(autoRenewal === undefined ? [] : [beginRenewing(site, { order: order.id, account: account.id, spki: csr.spki, evidence: JSON.stringify(evidence) },
        nextDue(autoRenewal, now, validityAt(autoRenewal, now).notAfter))]),
    ],
  });
  if (outcome.kind !== 'pending') return outcome;
  while (acme.clock.now() < until) {
    await sleep(LOOK_AGAIN_MS);
    const progress = await acme.ca.progress(site.realm, order.id);
    if (progress.kind === 'issued') return { ...progress, first: false };
  }
  return outcome;
}

const askedFor = ({ notBefore, notAfter }: Order): { notBefore?: number; notAfter?: number } =>
  ({ ...(notBefore === undefined ? {} : { notBefore }), ...(notAfter === undefined ? {} : { notAfter }) });

/** What made each authorization valid, for the evidence, with what CAA said since then about the names that it stands for. */
const proofsOf = ({ authorizations }: Order, rechecked: readonly Rechecked[]) =>
  authorizations.map((authorization) => {
    const { id, identifier, wildcard, subdomains, token, attempt } = authorization;
    const since = rechecked.filter(({ name }) => authorizationFor(authorizations, { type: 'dns', value: name }) === authorization);
    return {
      id, identifier, wildcard, token, challenge: attempt?.type, tries: attempt?.tries, validated: attempt?.finished, seen: attempt?.evidence,
      ...(subdomains ? { subdomains } : {}), ...(since.length === 0 ? {} : { caa: since }),
    };
  });

/** The CSR of a finalize request, held to its order. Throws AcmeError; every fault leaves the order ready. */
async function requestedBy(given: unknown, order: Order): Promise<Csr> {
  if (typeof given !== 'string') throw malformed('The payload has no "csr".');
  // Synology's client pads; nothing else is let pass.
  const der = decodeBase64url(given.replace(/={1,2}$/, ''));
  if (der === undefined) throw new AcmeError('badCSR', '"csr" must be base64url of the DER, not PEM.');
  const csr = parse(der);
  const { names, faults } = hostNamesOf(csr, new Set(order.identifiers.filter(isDevice).map(({ value }) => value)));
  if (faults.length > 0) throw new AcmeError('badCSR', `The CSR is not accepted: ${faults.join('; ')}.`);
  const fault = publicKeyFault(csr.spki);
  if (fault !== undefined) throw new AcmeError('badCSR', `The key of the CSR is not accepted: ${fault}.`);
  if (!(await verifyCsr(csr))) throw new AcmeError('badCSR', 'The signature of the CSR does not verify under its own key.');
  if (!order.authorizations.every((authorization) => isAttestedKey(authorization, csr.spki))) throw new AcmeError('badCSR', 'The CSR is not for the key that was attested.');
  compareNames(order, names.map(nameKey));
  return csr;
}

function parse(der: Uint8Array): Csr {
  try {
    return parseCsr(der);
  } catch (error) {
    if (error instanceof Error && error.name === 'DerError') throw new AcmeError('badCSR', `The CSR cannot be read: ${error.message}.`);
    throw error;
  }
}

/** §7.4: "The CSR MUST indicate the exact same set of requested identifiers as the initial newOrder request." */
function compareNames(order: Order, asked: readonly string[]): void {
  const ordered = namesOf(order.identifiers).map(nameKey);
  const missing = ordered.filter((name) => !asked.includes(name));
  const extra = asked.filter((name) => !ordered.includes(name));
  if (missing.length === 0 && extra.length === 0) return;
  const parts = [
    ...(missing.length === 0 ? [] : [`it lacks ${list(missing)}`]),
    ...(extra.length === 0 ? [] : [`it has ${list(extra)}, not in the order`]),
  ];
  throw new AcmeError('badCSR', `The names in the CSR are not those of the order: ${parts.join('; ')}.`);
}

const list = (names: readonly string[]): string =>
  `${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`;
