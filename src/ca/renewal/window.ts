/**
 * When a certificate should be renewed (RFC 9773 §4.2): pure, from its serial, its validity and what the operator has said. The same
 * certificate always gets the same window, on whichever front; different certificates get windows spread over the part of
 * their life that the profile names, so that a fleet issued in one minute is not renewed in one minute.
 */
import type { RenewalRule } from '../../config/renewal-rule.ts';

/** ms UTC, whole seconds; `end` is later than `start` (RFC 9773 §4.2: clients refuse any other). */
export interface Window {
  readonly start: number;
  readonly end: number;
}

export interface Renewable {
  readonly serial: string;
  readonly notBefore: number;
  readonly notAfter: number;
}

/** An operator's word that certificates are to be renewed before their time: from `at` on, spread over `overMs`; 0 is now. */
export interface PulledForward {
  readonly at: number;
  readonly overMs: number;
}

const SECOND = 1000;
const MINUTE = 60_000;
const HOUR = 3_600_000;
/** Of the span over which windows are spread, the part that one window takes. */
const WIDTH = 1 / 4;

/** The window of the profile, or the earliest that an operator pulled it to. */
export function suggestedWindow(certificate: Renewable, rule: RenewalRule, pulls: readonly PulledForward[]): Window {
  const { serial, notBefore, notAfter } = certificate;
  const life = notAfter + SECOND - notBefore;
  const usual = windowWithin(notBefore + (life * rule.fromPercent) / 100, (life * (rule.toPercent - rule.fromPercent)) / 100, serial);
  return pulls.map((pull) => pulledWindow(pull, serial)).reduce((first, next) => (next.start < first.start ? next : first), usual);
}

/** At once is a window that is past: clients that only look twice a day take a moment to come for the next look. */
const pulledWindow = ({ at, overMs }: PulledForward, serial: string): Window =>
  (overMs === 0 ? seconds(at - HOUR, at - HOUR / 2) : windowWithin(at, overMs, serial));

function windowWithin(from: number, span: number, serial: string): Window {
  const start = from + span * (1 - WIDTH) * placeOf(serial);
  return seconds(start, start + span * WIDTH);
}

function seconds(from: number, to: number): Window {
  const start = Math.floor(from / SECOND) * SECOND;
  return { start, end: Math.max(start + SECOND, Math.floor(to / SECOND) * SECOND) };
}

/**
 * How long until a client should look again (RFC 9773 §4.3.2: the wait is ours to name; clients keep between a minute and a day): six
 * hours, less for what lives shortly, a fifth more or less so that clients do not come together.
 */
export function lookAgainMs({ serial, notBefore, notAfter }: Renewable): number {
  const usual = Math.min(6 * HOUR, (notAfter - notBefore) / 10);
  return Math.round(Math.max(MINUTE, usual * (0.8 + 0.4 * placeOf(serial))) / SECOND) * SECOND;
}

/** From 0 to 1, by four random octets of the serial; not those that choose the shard. */
const placeOf = (serial: string): number => Number.parseInt(serial.slice(14, 22), 16) / 2 ** 32;
