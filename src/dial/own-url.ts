// One GET at a URL that our own certificates name, as a relying party would ask: for the prober, and for nothing that a stranger said.
// It shares nothing with validation: no address policy stands in its way, for this server's own listeners are just what it is to reach,
// and so it opens no URL but those that it is told are ours.
import { request } from 'node:http';
import { DialFault, faultFrom } from './dial-fault.ts';

export interface OwnAnswer {
  readonly status: number;
  /** Without parameters, lower case; empty without one. */
  readonly contentType: string;
  readonly body: Uint8Array;
}

export interface OwnLimits {
  /** A longer body is a fault. */
  readonly maxOctets: number;
  /** From the beginning to the last octet. */
  readonly timeoutMs: number;
}

export type FetchOwn = (url: string, limits: OwnLimits) => Promise<OwnAnswer>;

/**
 * @param isOwn whether a URL is one of ours, as the configuration has them now
 * @returns a function that fetches such a URL over plain HTTP. It follows no redirect, knows no proxy and keeps no connection. Throws DialFault.
 */
export const ownFetcher = (isOwn: (url: string) => boolean): FetchOwn => async (url, limits) => {
  if (!isOwn(url) || new URL(url).protocol !== 'http:') throw new DialFault('excluded', 'it is not a URL of ours');
  const signal = AbortSignal.timeout(limits.timeoutMs);
  try {
    return await get(url, limits.maxOctets, signal);
  } catch (error) {
    if (signal.aborted) throw new DialFault('connect', `no whole answer within ${limits.timeoutMs / 1000} s`);
    if ((error as NodeJS.ErrnoException).code === 'ENOTFOUND') throw new DialFault('dns', 'its host has no address');
    throw faultFrom(firstOf(error), 'connect', 'fetching it', signal);
  }
};

function get(url: string, maxOctets: number, signal: AbortSignal): Promise<OwnAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<OwnAnswer>();
  const headers = { 'User-Agent': 'Chancery prober', Accept: '*/*' };
  const asked = request(url, { agent: false, headers, signal }, (response) => {
    const chunks: Buffer[] = [];
    let octets = 0;
    response.on('data', (chunk: Buffer) => {
      octets += chunk.length;
      if (octets > maxOctets) asked.destroy(new DialFault('protocol', `its answer is longer than ${maxOctets} octets`));
      else chunks.push(chunk);
    });
    response.once('error', reject);
    response.once('end', () => {
      const [type = ''] = (response.headers['content-type'] ?? '').split(';');
      resolve({ status: response.statusCode ?? 0, contentType: type.trim().toLowerCase(), body: Buffer.concat(chunks) });
    });
  });
  asked.once('error', reject);
  asked.end();
  return promise;
}

/** Of a name with several addresses, each was tried. */
const firstOf = (error: unknown): unknown => (error instanceof AggregateError ? error.errors[0] : error);
