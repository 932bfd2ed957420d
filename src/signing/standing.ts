/**
 * How the journal stands to the database: up to which receipt the database has confirmed, and whether a front has stated
 * less than that (the database was restored, and has lost certificates) or more than the journal holds (the journal was).
 * It also knows a line that the journal had, so that a journal that lost its end is noticed without any front.
 * Then certificates are not signed until an operator acknowledges it. Kept in `standing.json` in the state directory.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Journal, JournalFault, type Written } from './journal.ts';

interface Stored {
  readonly signer: number;
  /** Ids that this journal had before; they are never used again. */
  readonly formerSigners: readonly number[];
  readonly confirmed: number;
  /** A line that was in the journal when this was saved. */
  readonly written?: Written;
  readonly fence?: string;
}

export class Standing {
  readonly #file: string;
  #stored: Stored;
  #saved = true;
  #saving = false;

  /** @param signer the configured id @throws JournalFault when the directory belongs to another signer */
  constructor(stateDirectory: string, signer: number) {
    this.#file = join(stateDirectory, 'standing.json');
    this.#stored = readStanding(this.#file) ?? { signer, formerSigners: [], confirmed: 0 };
    if (this.#stored.signer !== signer && !this.#stored.formerSigners.includes(signer)) {
      const whose = `${stateDirectory} is the journal of signer ${this.#stored.signer}`;
      throw new JournalFault(`${whose}, the configuration says ${signer}: an id stays with its journal`);
    }
    if (!existsSync(this.#file)) this.#save();
  }

  get signer(): number {
    return this.#stored.signer;
  }

  /** Why certificates are not signed; undefined when they are. */
  get fence(): string | undefined {
    return this.#stored.fence;
  }

  get formerSigners(): readonly number[] {
    return this.#stored.formerSigners;
  }

  /** Whether serials of that signer are in this journal. */
  holds(signer: number): boolean {
    return signer === this.#stored.signer || this.#stored.formerSigners.includes(signer);
  }

  /** At start, before anything is journaled: a journal that has not what it had raises the fence. */
  compare(journal: Pick<Journal, 'seq' | 'headOf'>): void {
    const { confirmed, written } = this.#stored;
    const held = Math.max(confirmed, written?.sequence ?? 0);
    if (journal.seq < held) {
      this.#raise(`the journal ends at ${journal.seq} but had ${held} lines: it was restored or shortened`);
    } else if (written !== undefined && journal.headOf(written.sequence) !== written.head) {
      this.#raise(`line ${written.sequence} of the journal is not the one that was written: it was restored or changed`);
    }
  }

  /** The last line on disk. */
  wrote(written: Written | undefined): void {
    if (written === undefined || written.sequence === this.#stored.written?.sequence) return;
    this.#stored = { ...this.#stored, written };
    this.#saved = false;
  }

  confirm(sequence: number, last: number): void {
    if (sequence <= this.#stored.confirmed || sequence > last) return;
    this.#stored = { ...this.#stored, confirmed: sequence };
    this.#saved = false;
  }

  /** What the database is known to hold. */
  get confirmed(): number {
    return this.#stored.confirmed;
  }

  /**
   * A front says what its database holds.
   * @param confirmed as it was before the front looked: other fronts may have confirmed more since
   * @param last sequence of the journal
   * @returns the fence, when this raises one
   */
  stated(highest: number, confirmed: number, last: number): string | undefined {
    let fence: string | undefined;
    if (highest < confirmed) {
      fence = `the database holds receipts up to ${highest} but had confirmed ${confirmed}: it was restored or replaced`;
    } else if (highest > last) {
      fence = `the database holds receipt ${highest} but the journal ends at ${last}: the journal was restored or replaced`;
    }
    this.confirm(highest, last);
    return fence === undefined ? undefined : this.#raise(fence);
  }

  /** @returns undefined when there is one already */
  #raise(fence: string): string | undefined {
    if (this.#stored.fence !== undefined) return undefined;
    this.#stored = { ...this.#stored, fence };
    this.#save();
    return fence;
  }

  /**
   * Writes what was confirmed and journaled since the last time, without holding up signatures. Losing a second of it only makes the
   * fence a little less sharp.
   */
  async save(): Promise<void> {
    if (this.#saved || this.#saving) return;
    this.#saving = true;
    this.#saved = true;
    try {
      await writeFile(`${this.#file}.confirmed`, JSON.stringify(this.#stored), { mode: 0o600, flush: true });
      // A fence that was raised meanwhile is already in the file, and this must not undo it.
      if (this.#saving) await rename(`${this.#file}.confirmed`, this.#file);
    } catch {
      this.#saved = false; // a full disk stops the journal, and that is said there
    } finally {
      this.#saving = false;
    }
  }

  /** Lifts the fence: a new id, for which the database holds nothing yet. */
  renew(signer: number): void {
    this.#stored = { signer, formerSigners: [...this.#stored.formerSigners, this.#stored.signer], confirmed: 0 };
    this.#save();
  }

  #save(): void {
    this.#saving = false;
    writeFileSync(`${this.#file}.new`, JSON.stringify(this.#stored), { mode: 0o600, flush: true });
    renameSync(`${this.#file}.new`, this.#file);
    this.#saved = true;
  }
}

function readStanding(file: string): Stored | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Stored;
  } catch (cause) {
    throw new JournalFault(`${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
}
