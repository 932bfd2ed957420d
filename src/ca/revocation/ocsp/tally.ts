/**
 * What this front had signed and was asked since the last audit entry: one entry per responder and minute, for responses go out by the
 * thousand and the signer's journal has each. A crash loses at most the entry of its minute, never a journal line.
 */
import { publicId } from '../../../database/public-id.ts';
import type { Receipt } from '../../../signing/client.ts';
import { auditEntry } from '../../audit/entry.ts';
import type { IssuanceParts } from '../../issuance/issue.ts';

interface Signed { readonly issuerKey: string; readonly responder: string; responses: number; readonly from: number; until: number; last: Receipt }
interface Unissued { readonly issuerKey: string; asked: number; readonly from: number; until: number; serial: string }

/** Entries stop mattering never; their ids sort by the day on which they were made. */
export class Tally {
  readonly #parts: Pick<IssuanceParts, 'clock' | 'database' | 'random' | 'authority'>;
  #signed = new Map<string, Signed>();
  #unissued = new Map<string, Unissued>();

  constructor(parts: Pick<IssuanceParts, 'clock' | 'database' | 'random' | 'authority'>) {
    this.#parts = parts;
  }

  signed(issuerKey: string, responder: string, receipt: Receipt): void {
    const mark = `${issuerKey} ${responder} ${receipt.signer}`;
    const now = this.#parts.clock.now();
    const known = this.#signed.get(mark);
    if (known === undefined) {
      this.#signed.set(mark, { issuerKey, responder, responses: 1, from: now, until: now, last: receipt });
      return;
    }
    known.responses += 1;
    known.until = now;
    if (receipt.sequence >= known.last.sequence) known.last = receipt;
  }

  /** A serial that could be ours and was never meant: somebody made it up, or made a certificate elsewhere. */
  unissued(issuerKey: string, serial: string): void {
    const now = this.#parts.clock.now();
    const known = this.#unissued.get(issuerKey);
    if (known === undefined) this.#unissued.set(issuerKey, { issuerKey, asked: 1, from: now, until: now, serial });
    else {
      known.asked += 1;
      known.until = now;
      known.serial = serial;
    }
  }

  /** Writes the entries and begins anew; what could not be written is counted on. */
  async write(): Promise<void> {
    const { clock, database, random, authority } = this.#parts;
    if (this.#signed.size === 0 && this.#unissued.size === 0) return;
    const [signed, unissued] = [this.#signed, this.#unissued];
    [this.#signed, this.#unissued] = [new Map(), new Map()];
    const { realm } = authority().generation;
    const now = clock.now();
    try {
      await database.commit([
        ...[...signed.values()].map(({ last, ...facts }) =>
          auditEntry(publicId(now, random), realm, 'ocsp.signed', now, { ...facts, signer: last.signer, sequence: last.sequence, head: last.head })),
        ...[...unissued.values()].map((facts) => auditEntry(publicId(now, random), realm, 'ocsp.unissued', now, { ...facts })),
      ]);
    } catch (error) {
      for (const [mark, one] of signed) this.#signed.set(mark, joined(one, this.#signed.get(mark)));
      for (const [mark, one] of unissued) {
        const since = this.#unissued.get(mark);
        this.#unissued.set(mark, since === undefined ? one : { ...since, asked: one.asked + since.asked, from: one.from });
      }
      throw error;
    }
  }
}

const joined = (before: Signed, since: Signed | undefined): Signed =>
  since === undefined ? before : { ...since, responses: before.responses + since.responses, from: before.from };
