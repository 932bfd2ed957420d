// Signatures through a module that takes 25 ms longer for each, as a network HSM does: lanes must make up for it.
import { measureIssue } from './issue.ts';

export interface SlowSignatures {
  readonly addedMs: number;
  readonly lanes: number;
  readonly perSecond: number;
  /** Of what so many lanes could do at best if a signature took nothing but the added time. */
  readonly share: number;
}

const ADDED_MS = 25;
const LANES = 8;

export async function measureSlowSignatures(seconds: number): Promise<SlowSignatures> {
  const { perSecond } = await measureIssue(seconds, {
    configure: (ca) => { ca.signer.lanes = LANES; },
  });
  return { addedMs: ADDED_MS, lanes: LANES, perSecond, share: perSecond / (LANES / (ADDED_MS / 1000)) };
}
