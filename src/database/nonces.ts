/**
 * Replay nonces (RFC 8555 §6.5). Issuing one writes nothing: it is a number, encrypted and authenticated under a key
 * that takes turns with others. Redeeming notes the number, in a place that loses either nothing or everything: if a
 * crash could forget that a nonce was used and still know its key, the nonce could be used again.
 */

import type { Clock } from '../clock.ts';
import type { Database } from './engine.ts';
import { MemoryLedger } from './nonce-memory.ts';
import { openTables } from './nonce-tables.ts';
import { NonceKey, sealedOctets } from './nonce-key.ts';

export interface Nonces extends Disposable {
  /** A fresh nonce, base64url. It can be redeemed for an hour at least, and at most once. */
  issue(): string;
  /**
   * `fresh`: issued by us and never redeemed before; said once per nonce. `malformed`: not base64url, so the request is
   * malformed rather than replayed (RFC 8555 §6.5.2). `bad`: all else. Throws DatabaseUnavailable.
   */
  redeem(nonce: string): Promise<'fresh' | 'bad' | 'malformed'>;
}

/** Where used numbers are noted, along with the keys. */
export interface NonceLedger extends Disposable {
  /** The key to issue under. */
  current(): NonceKey;
  /** Another key that may still be redeemed under, by its id. */
  find(keyId: Buffer): Promise<NonceKey | undefined>;
  /** True for one caller only, per key and number. */
  spend(key: NonceKey, number: Buffer): Promise<boolean>;
}

/** On SQLite in the memory of this process; on PostgreSQL in tables that all fronts share. */
export async function openNonces(database: Database, clock: Clock): Promise<Nonces> {
  const { volatile } = database;
  const ledger: NonceLedger =
    volatile === undefined ? new MemoryLedger(clock) : await openTables({ database, volatile, clock });
  return {
    issue: () => ledger.current().seal().toString('base64url'),

    async redeem(nonce) {
      const sealed = Buffer.from(nonce, 'base64url');
      if (nonce === '' || sealed.toString('base64url') !== nonce) return 'malformed';
      if (sealed.length !== sealedOctets) return 'bad';
      const key = await ledger.find(NonceKey.idIn(sealed));
      const number = key?.open(sealed);
      if (key === undefined || number === undefined) return 'bad';
      return (await ledger.spend(key, number)) ? 'fresh' : 'bad';
    },

    [Symbol.dispose]: () => ledger[Symbol.dispose](),
  };
}
