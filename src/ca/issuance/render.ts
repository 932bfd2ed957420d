/** From an allowed request to the facts of its certificate, which `renderTbs` makes bytes of. Pure; nothing comes from the request but key, names and validity. */
import { type CertificateShape, type IssuerShape, namesCrl, type TbsFacts } from '../../x509/shape.ts';
import { Refusal } from '../errors.ts';
import type { IssuanceRequest } from '../ca.ts';

const SECOND = 1000;

export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

/**
 * The validity that a request gets: the profile's, or exactly what was asked within the profile's bounds (whole seconds).
 * RFC 5280 §4.1.2.5: both ends are included, so a validity of 160 h ends one second short of 160 h later.
 */
export function grantValidity(
  asked: { readonly notBefore?: number; readonly notAfter?: number; readonly backdated?: boolean }, shape: CertificateShape, issuer: IssuerShape, now: number,
): Validity | Refusal {
  const second = (time: number): number => Math.floor(time / SECOND) * SECOND;
  // Backdated for clocks that are slow, but never to before the issuer itself was valid.
  const earliest = Math.max(second(now - shape.backdateMs), issuer.notBefore);
  const notBefore = asked.notBefore === undefined ? earliest : Math.max(second(asked.notBefore), asked.backdated === true ? issuer.notBefore : 0);
  if (notBefore < earliest || notBefore > now) {
    return new Refusal('validity-not-allowed',
      `notBefore ${iso(notBefore)} is not between ${iso(earliest)} and now: leave it out to get the profile's own`);
  }
  const notAfter = asked.notAfter === undefined ? notBefore + shape.validityMs - SECOND : second(asked.notAfter);
  if (notAfter <= now) return new Refusal('validity-not-allowed', `notAfter ${iso(notAfter)} is already past`);
  if (notAfter - notBefore + SECOND > shape.maxValidityMs) {
    return new Refusal('validity-not-allowed',
      `notAfter ${iso(notAfter)} exceeds profile "${shape.profile}", which ends at ${iso(notBefore + shape.maxValidityMs - SECOND)} at the latest`);
  }
  if (notAfter > issuer.notAfter) {
    if (asked.notAfter !== undefined) {
      return new Refusal('validity-not-allowed', `notAfter is later than the issuer's own, ${iso(issuer.notAfter)}`);
    }
    return { notBefore, notAfter: issuer.notAfter };
  }
  return { notBefore, notAfter };
}

/** The facts that vary between certificates of one profile. The shard, if they name one, is drawn from the serial, and stored from now on. */
export function factsFor(request: IssuanceRequest, validity: Validity, serial: string, shape: CertificateShape, issuer: IssuerShape): TbsFacts {
  return {
    serial, ...validity, spki: request.publicKey, names: request.names, subject: request.subject ?? [],
    shard: namesCrl(shape) ? shardOf(serial, issuer.shards) : 0,
  };
}

/** Shards are numbered from 1. The last four random octets decide, so shards fill evenly. */
export const shardOf = (serial: string, shards: number): number => 1 + (Number.parseInt(serial.slice(-8), 16) % shards);

const iso = (time: number): string => new Date(time).toISOString();
