/**
 * A lane is one session: it makes one signature at a time, and lanes work beside each other. Signing goes through the
 * promise form of pkcs11js, whose closure keeps the buffers alive (its callback form lets them be collected: a crash).
 */
import graphene from 'graphene-pk11';
import type { KeyModule } from './module.ts';
import type { MechanismRow } from './mechanisms.ts';
import { asKeyFault } from './errors.ts';

/** RSA-8192 would fit; nothing that we sign with is longer. */
const LONGEST_SIGNATURE = 1024;
// RW: some modules know no read-only sessions, and every module signs in one.
export const SESSION = graphene.SessionFlag.SERIAL_SESSION | graphene.SessionFlag.RW_SESSION;

export class Lane {
  readonly #module: KeyModule;
  readonly #slot: graphene.Slot;
  #session: graphene.Session;
  readonly #output = Buffer.alloc(LONGEST_SIGNATURE);
  readonly #random = Buffer.alloc(8);
  #input: Buffer | undefined;
  /** When the call under way began (ms, monotonic); undefined while there is none. The watcher knows what is too long. */
  since: number | undefined;
  /** When the lane last did something (ms, monotonic). */
  usedAt = performance.now();

  constructor(module: KeyModule, slot: graphene.Slot) {
    this.#module = module;
    this.#slot = slot;
    this.#session = open(slot);
  }

  /** @returns the signature as the certificate will carry it @throws KeyFault */
  async sign(key: Buffer, row: MechanismRow, tbs: Uint8Array): Promise<Uint8Array> {
    this.#input = row.input(tbs);
    this.usedAt = this.since = performance.now();
    try {
      this.#module.native.C_SignInit(this.#session.handle, row.mechanism, key);
      const raw = await this.#module.native.C_SignAsync(this.#session.handle, this.#input, this.#output);
      return row.output(raw);
    } catch (error) {
      throw asKeyFault(error, 'signing');
    } finally {
      this.since = undefined;
      this.#input = undefined;
    }
  }

  /** Keeps the session from being closed for idleness, and finds out whether it was. @throws KeyFault */
  keepAlive(): void {
    this.usedAt = performance.now();
    try {
      this.#module.native.C_GenerateRandom(this.#session.handle, this.#random);
    } catch (error) {
      throw asKeyFault(error, 'C_GenerateRandom');
    }
  }

  /** A session that failed is closed, not used again: it may hold half an operation. @throws KeyFault */
  reopen(): void {
    try {
      this.#session.close();
    } catch {
      // It is gone already; that is why we are here.
    }
    this.#session = open(this.#slot);
  }
}

function open(slot: graphene.Slot): graphene.Session {
  try {
    return slot.open(SESSION);
  } catch (error) {
    throw asKeyFault(error, 'C_OpenSession');
  }
}
