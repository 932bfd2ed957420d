/**
 * How the journal stands to the database: up to which receipt the database has confirmed, and whether a front has stated
 * less than that (the database was restored, and has lost certificates) or more than the journal holds (the journal was).
 * Then certificates are not signed until an operator acknowledges it. Kept in `standing.json` in the state directory.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { JournalFault } from './journal.ts';

interface Stored {
  readonly signer: number;
  /** Ids that this journal had before; they are never used again. */
  readonly formerSigners: readonly number[];
  readonly confirmed: number;
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
    if (fence === undefined || this.#stored.fence !== undefined) return undefined;
    this.#stored = { ...this.#stored, fence };
    this.#save();
    return fence;
  }

  /**
   * Writes what was confirmed since the last time, without holding up signatures. Losing a second of it only makes the
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
