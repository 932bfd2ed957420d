/**
 * The CRLs of offline roots: files that a ceremony made, served as they are for as long as they are what they should be. Nobody here can make
 * another, so an alarm comes long before one runs out.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { RootCrlStanding } from '../ca/ca.ts';
import type { Authority } from '../ca/issuance/issuer-key.ts';
import type { Clock } from '../clock.ts';
import * as events from '../telemetry/events.ts';
import { ALGORITHMS, algorithmOf } from '../x509/algorithm.ts';
import { parseCertificate } from '../x509/certificate.ts';
import { parseCrl } from '../x509/crl.ts';
import { DerError } from '../x509/der.ts';

export interface RootCrl {
  readonly der: Uint8Array;
  /** Hex, of `der`. */
  readonly sha256: string;
  readonly thisUpdate: number;
  readonly nextUpdate: number;
}

/** A ceremony takes weeks to prepare. */
const ALARM_MS = 60 * 86_400_000;

export class RootCrls {
  readonly #authority: () => Authority;
  readonly #clock: Clock;
  #read = new Map<string, RootCrl>();
  #faults = new Map<string, string>();

  constructor(authority: () => Authority, clock: Clock) {
    this.#authority = authority;
    this.#clock = clock;
  }

  /** Of the root above an issuer key, as it was when `watch` last looked. */
  get(issuerKey: string): RootCrl | undefined {
    return this.#read.get(issuerKey);
  }

  standing(issuerKey: string): RootCrlStanding | undefined {
    const fault = this.#faults.get(issuerKey);
    return fault === undefined ? this.#read.get(issuerKey) : { fault };
  }

  /** Reads all files again. One that cannot be served any more is told, and what it held before is served no longer. */
  async watch(): Promise<void> {
    const read = new Map<string, RootCrl>();
    const faults = new Map<string, string>();
    for (const { id, rootCrl } of this.#authority().generation.issuers.values()) {
      if (rootCrl === undefined) continue;
      const root = this.#authority().issuerKeys.get(id)?.root;
      const found = root === undefined ? 'its issuer key has no root' : readRootCrl(rootCrl, root);
      const left = typeof found === 'string' ? 0 : found.nextUpdate - this.#clock.now();
      if (typeof found === 'string') faults.set(id, found);
      else read.set(id, found);
      events.rootCrlWatched({ issuerKey: id, secondsLeft: Math.floor(left / 1000), due: left < ALARM_MS, ...(typeof found === 'string' ? { fault: `${rootCrl}: ${found}` } : {}) });
    }
    [this.#read, this.#faults] = [read, faults];
  }
}

/** The CRL in a file, or why it is not one of this root. */
function readRootCrl(file: string, root: Uint8Array): RootCrl | string {
  try {
    const der = readFileSync(file);
    const { tbs, tbsBytes, signatureAlgorithm, signature } = parseCrl(der);
    const algorithm = algorithmOf(signatureAlgorithm);
    if (algorithm === undefined || !ALGORITHMS[algorithm].verify(parseCertificate(root).tbs.spki, tbsBytes, signature)) return 'it is not signed by the root';
    if (tbs.nextUpdate === undefined) return 'it has no nextUpdate';
    return { der, sha256: createHash('sha256').update(der).digest('hex'), thisUpdate: tbs.thisUpdate, nextUpdate: tbs.nextUpdate };
  } catch (error) {
    if (error instanceof DerError || (error as NodeJS.ErrnoException).code !== undefined) return (error as Error).message;
    throw error;
  }
}
