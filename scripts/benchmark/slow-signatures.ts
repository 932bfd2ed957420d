// Signatures through a module that takes 25 ms longer for each, as a network HSM does: lanes must make up for it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Shim } from '../../test/support/pkcs11-shim.ts';
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

export async function measureSlowSignatures(seconds: number, modulePath: string): Promise<SlowSignatures> {
  const directory = mkdtempSync(join(tmpdir(), 'chancery-slow-'));
  try {
    using shim = new Shim(directory, modulePath);
    shim.delay('C_Sign', ADDED_MS);
    const { perSecond } = await measureIssue(seconds, {
      signerEnvironment: shim.environment,
      configure: (ca) => { ca.signer.module = shim.modulePath; ca.signer.lanes = LANES; },
    });
    return { addedMs: ADDED_MS, lanes: LANES, perSecond, share: perSecond / (LANES / (ADDED_MS / 1000)) };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
