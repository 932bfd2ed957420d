/** How long a response is good for, and when the next one is due. Pure. */

const HOUR = 3_600_000;
/** BR §4.9.10: what is valid for 16 hours or more is replaced at least 8 hours before its end, and at most 4 days after its begin. */
const LATEST_REFRESH_MS = 96 * HOUR;

export interface Window {
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  /** From here on a new response is signed. */
  readonly refreshAt: number;
}

/**
 * A window that begins now, to the second. It ends with the certificates that vouch for it, for a response that outlives its responder
 * is one that nobody can verify (T-OCS-7). Refreshed at half of its life, which is early enough for both rules of BR §4.9.10.
 */
export function windowOf(now: number, validityMs: number, ends: readonly number[]): Window {
  const thisUpdate = Math.floor(now / 1000) * 1000;
  const nextUpdate = Math.min(thisUpdate + validityMs, ...ends);
  return { thisUpdate, nextUpdate, refreshAt: thisUpdate + Math.min((nextUpdate - thisUpdate) / 2, LATEST_REFRESH_MS) };
}
