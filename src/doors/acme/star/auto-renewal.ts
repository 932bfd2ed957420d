/**
 * What an order says about renewing itself (RFC 8739 §3.1.1), and the schedule that follows from it: pure. All times ms UTC,
 * whole seconds; on the wire lengths are seconds and times RFC 3339.
 */
import type { StarSettings } from '../../../config/directory-settings.ts';
import type { JsonObject } from '../json.ts';
import { malformed } from '../problem.ts';
import { formatTime, parseTime } from '../time.ts';

export interface AutoRenewal {
  /** No certificate begins before this; absent is as soon as the order is finalized. */
  readonly start: number | undefined;
  /** No certificate is valid after this. */
  readonly end: number;
  /** Of each certificate, without `adjustMs`. */
  readonly lifetimeMs: number;
  /** How much earlier each certificate is dated, for relying parties whose clocks are slow. */
  readonly adjustMs: number;
  /** Anybody may fetch the certificate by GET. */
  readonly certificateGet: boolean;
}

export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
  readonly backdated: true;
}

const SECOND = 1000;
/**
 * RFC 8739 §3.3: the next certificate "MUST be made available … at the latest halfway through the lifetime of the currently active
 * certificate". A tenth earlier, so that a signer that is down for a while does not make us late.
 */
const NEXT_AFTER = 0.4;

/** Undefined for an order that does not renew itself. Throws AcmeError, for what cannot be had as well. */
export function parseAutoRenewal(payload: JsonObject, settings: StarSettings | undefined, now: number): AutoRenewal | undefined {
  const given = payload['auto-renewal'];
  if (given === undefined || given === null) return undefined;
  if (settings === undefined) throw malformed('Orders do not renew themselves here: there is no "auto-renewal" in the directory.');
  if (typeof given !== 'object' || Array.isArray(given)) throw malformed('"auto-renewal" must be an object.');
  // RFC 8739 §3.1.1: "the notBefore and notAfter fields … MUST NOT be present"
  if (present(payload['notBefore']) || present(payload['notAfter'])) throw malformed('An order that renews itself has no "notBefore" and no "notAfter".');
  const members = given as JsonObject;
  const end = moment(members, 'end-date');
  if (end === undefined) throw malformed('"end-date" in "auto-renewal" is missing.');
  const start = moment(members, 'start-date');
  const lifetimeMs = seconds(members, 'lifetime');
  if (lifetimeMs === undefined) throw malformed('"lifetime" in "auto-renewal" is missing.');
  const adjustMs = seconds(members, 'lifetime-adjust') ?? 0;
  const get = members['allow-certificate-get'] ?? false;
  if (typeof get !== 'boolean') throw malformed('"allow-certificate-get" in "auto-renewal" must be true or false.');

  if (start !== undefined && start > now) throw malformed('"start-date" lies in the future, which is not supported: order when it has come.');
  if (end <= now) throw malformed('"end-date" is past.');
  if (end - now > settings.maxDurationMs) throw malformed(`"end-date" is more than ${settings.maxDurationMs / SECOND} seconds from now, the "max-duration" of this directory.`);
  if (lifetimeMs < settings.minLifetimeMs) throw malformed(`"lifetime" is less than ${settings.minLifetimeMs / SECOND}, the "min-lifetime" of this directory.`);
  // §3.1.1: whether anonymous GET is allowed is negotiated; what the server does not allow it does not echo as true.
  return { start, end, lifetimeMs, adjustMs, certificateGet: get && settings.certificateGet };
}

const present = (value: unknown): boolean => value !== undefined && value !== null && value !== '';

function moment(members: JsonObject, name: string): number | undefined {
  const given = members[name];
  if (given === undefined || given === null) return undefined;
  const time = typeof given === 'string' ? parseTime(given) : undefined;
  if (time === undefined) throw malformed(`"${name}" in "auto-renewal" must be a time as in RFC 3339.`);
  return time;
}

function seconds(members: JsonObject, name: string): number | undefined {
  const given = members[name];
  if (given === undefined || given === null) return undefined;
  if (typeof given !== 'number' || !Number.isInteger(given) || given < 0 || given > 1e9) throw malformed(`"${name}" in "auto-renewal" must be a whole number of seconds.`);
  return given * SECOND;
}

/** `auto-renewal` in the directory's `meta` (RFC 8739 §3.2). */
export const renderOffer = ({ minLifetimeMs, maxDurationMs, certificateGet }: StarSettings) =>
  ({ 'min-lifetime': minLifetimeMs / SECOND, 'max-duration': maxDurationMs / SECOND, 'allow-certificate-get': certificateGet });

export const renderAutoRenewal = ({ start, end, lifetimeMs, adjustMs, certificateGet }: AutoRenewal) => ({
  ...(start === undefined ? {} : { 'start-date': formatTime(start) }),
  'end-date': formatTime(end),
  lifetime: lifetimeMs / SECOND,
  ...(adjustMs === 0 ? {} : { 'lifetime-adjust': adjustMs / SECOND }),
  ...(certificateGet ? { 'allow-certificate-get': true } : {}),
});

/** What a certificate that is made now says: dated back by the adjustment, but not to before `start`, and never valid after `end`. */
export function validityAt({ start, end, lifetimeMs, adjustMs }: AutoRenewal, now: number): Validity {
  const second = Math.floor(now / SECOND) * SECOND;
  return {
    notBefore: Math.max(second - adjustMs, start ?? 0),
    notAfter: Math.min(second + lifetimeMs - SECOND, end), // RFC 5280 §4.1.2.5: both ends are included
    backdated: true,
  };
}

/** When the certificate after one made at `made` is due; undefined when that one lasts to the end. */
export const nextDue = ({ end, lifetimeMs }: AutoRenewal, made: number, notAfter: number): number | undefined =>
  (notAfter >= end - SECOND ? undefined : made + lifetimeMs * NEXT_AFTER);

/** The reference under which the CA knows the certificate of a period: the first is the order's own, so that the order is valid with it. */
export const referenceOf = (order: string, period: number): string => (period === 0 ? order : `${order}/${period}`);

/** What a reference says. */
export function orderAndPeriod(reference: string): { readonly order: string; readonly period: number } {
  const [order = '', period = '0'] = reference.split('/');
  return { order, period: Number(period) };
}
