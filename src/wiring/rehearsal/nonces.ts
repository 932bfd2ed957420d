/** Nonces of which some will not be taken, for no reason that a client could see. */
import { createHash } from 'node:crypto';
import type { Nonces } from '../../database/nonces.ts';

export type PlainNonces = Pick<Nonces, 'issue' | 'redeem'>;

export interface FickleNonces extends PlainNonces {
  /** One that will be taken: RFC 8555 §6.5, with badNonce comes a nonce "that the server will accept in a retry of the original query". */
  issueReliable(): string;
}

/** A nonce is rejected by what it is, so that all fronts agree. `share` is 0 to 0.9. */
export function fickle(nonces: PlainNonces, share: number): FickleNonces {
  const rejected = (nonce: string): boolean => createHash('sha256').update(nonce).digest().readUInt32BE() < share * 2 ** 32;
  return {
    issue: () => nonces.issue(),
    async redeem(nonce) {
      const redeemed = await nonces.redeem(nonce);
      return redeemed === 'fresh' && rejected(nonce) ? 'bad' : redeemed; // it is spent all the same
    },
    issueReliable() {
      let nonce = nonces.issue();
      while (rejected(nonce)) nonce = nonces.issue();
      return nonce;
    },
  };
}
