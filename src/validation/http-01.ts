// http-01 (RFC 8555 §8.3; RFC 8738 §4 for IP addresses): the host serves the key authorization under a known path.
import { timingSafeEqual } from 'node:crypto';
import { isPublic } from '../dial/address-policy.ts';
import type { HttpAnswer } from '../dial/http.ts';
import { printable } from '../dial/printable.ts';
import { type Challenge, unauthorized } from './challenge.ts';

export const http01: Challenge = async ({ dialer, http01Port }, { host, token, keyAuthorization }, call) => {
  if (!/^[A-Za-z0-9_-]+$/.test(token)) throw new Error('a token that is not base64url');
  const path = `/.well-known/acme-challenge/${token}`;
  const answer = await dialer.get({ scheme: 'http', host, port: http01Port, path }, call);
  const proven = answer.status === 200 && !answer.truncated && proves(answer.body, keyAuthorization);
  if (proven) return { ok: true, facts: { status: answer.status } };
  const facts = { status: answer.status, excerpt: printable(answer.body, 64) };
  const where = `${printable(answer.url, 200)} at ${answer.address}`;
  if (answer.status !== 200) return unauthorized(`${where} answered with status ${answer.status} and not 200.`, facts);
  return unauthorized(`${where} did not answer with the key authorization of this challenge${excerpt(answer)}.`, facts);
};

/** RFC 8555 §8.3: whitespace at the end is ignored, anything else counts. */
function proves(body: Buffer, keyAuthorization: string): boolean {
  let length = body.length;
  while (length > 0 && WHITESPACE.has(body[length - 1] as number)) length -= 1;
  const expected = Buffer.from(keyAuthorization, 'latin1');
  return length === expected.length && timingSafeEqual(body.subarray(0, length), expected);
}

const WHITESPACE: ReadonlySet<number> = new Set(Buffer.from(' \t\r\n\v\f', 'latin1'));

/**
 * A few characters of what came instead, but only of what the whole Internet can fetch from that very name: after a
 * redirect, or from a private address, we would be reading out other people's documents (RFC 8555 §10.4).
 */
function excerpt({ body, redirected, address }: HttpAnswer): string {
  return redirected || !isPublic(address) ? '' : `, but with "${printable(body, 64)}"`;
}
