/**
 * Used nonces of all fronts, in UNLOGGED tables of PostgreSQL.
 *
 * Nothing waits for the disk, and a crash or a failover empties the tables. Redeeming is one insert that demands the
 * key's row in the same table, so when used numbers are lost their key is lost with them, and all nonces under it are
 * void at once. Three tables take turns: the oldest is emptied by TRUNCATE to hold the next key.
 *
 * The keys lie open in these tables. They are no secret worth sealing: whoever has one can make nonces, which anyone
 * may ask for, and not one of them twice. UNLOGGED tables are in no base backup and no replica.
 */

import type { Clock } from '../clock.ts';
import type { Database } from './engine.ts';
import { NonceKey } from './nonce-key.ts';
import type { NonceLedger } from './nonces.ts';
import { rawStatement, statement } from './statement.ts';

/** How long a key is issued under, and how often a front looks whether another has started the next. */
const turnMs = 30 * 60_000;
const lookMs = 60_000;

interface Turn {
  readonly slot: number;
  readonly key: NonceKey;
}
interface KeyRow {
  slot: number;
  key_id: Buffer;
  secret: Buffer;
  created: number;
}
interface Parts {
  readonly database: Database;
  readonly volatile: NonNullable<Database['volatile']>;
  readonly clock: Clock;
}

const slots = [0, 1, 2] as const;
const noKey = Buffer.alloc(0); // the id of the row that holds a table's key
const spends = slots.map((slot) =>
  rawStatement(
    `insert into nonce_${slot} (id) select :id::bytea from nonce_${slot} ` +
      'where id = :key_row and key_id = :key_id on conflict (id) do nothing',
  ),
);
const empties = slots.map((slot) => rawStatement(`truncate nonce_${slot}`));
const inserts = slots.map((slot) =>
  statement((k, p) =>
    k(`nonce_${slot}`).insert({ id: p('key_row'), key_id: p('key_id'), secret: p('secret'), created: p('created') }),
  ),
);
const findKeys = rawStatement(
  slots
    .map((slot) => `select ${slot} as slot, key_id, secret, created from nonce_${slot} where id = :key_row`)
    .join(' union all '),
);
const findTurn = statement((k) => k('nonce_turn').select('turn').limit(1));
const moveTurn = rawStatement('update nonce_turn set turn = turn + 1 where turn = :turn');

export async function openTables(parts: Parts): Promise<NonceLedger> {
  const ledger = new TableLedger(parts);
  await ledger.look();
  return ledger;
}

class TableLedger implements NonceLedger {
  readonly #parts: Parts;
  readonly #timer: NodeJS.Timeout;
  #turns: Turn[] = [];
  #current: Turn | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    // A database that is away is no reason to stop issuing: the key stays good, or redeeming will say that it is not.
    this.#timer = setInterval(() => void this.look().catch(() => {}), lookMs).unref();
  }

  current(): NonceKey {
    if (this.#current === undefined) throw new Error('nonces were used before they were opened');
    return this.#current.key;
  }

  async find(keyId: Buffer): Promise<NonceKey | undefined> {
    const known = this.#find(keyId);
    if (known !== undefined) return known.key;
    await this.look(); // perhaps another front has started the next turn
    return this.#find(keyId)?.key;
  }

  async spend(key: NonceKey, number: Buffer): Promise<boolean> {
    const slot = this.#find(key.id)?.slot;
    if (slot === undefined) return false;
    const values = { id: number, key_row: noKey, key_id: key.id };
    if (await this.#parts.volatile({ statement: spends[slot] as (typeof spends)[number], values })) return true;
    // Either a replay, or the key is gone. In the second case the next nonce must be under a new one.
    await this.look();
    return false;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  /** Reads the keys; starts the next turn when the newest is missing or old. */
  async look(): Promise<void> {
    const { database } = this.#parts;
    for (;;) {
      const turn = (await database.one<{ turn: number }>(findTurn))?.turn as number;
      const rows = await database.many<KeyRow>(findKeys, { key_row: noKey });
      this.#turns = rows.map(({ slot, key_id, secret, created }) => ({
        slot,
        key: this.#find(key_id)?.key ?? new NonceKey(created, key_id, secret),
      }));
      const current = this.#turns.find(({ slot }) => slot === turn % slots.length);
      // After a crash of the database there is none. Until there is, the old key issues: its nonces are refused, and replaced.
      if (current !== undefined) this.#current = current;
      const now = await database.now();
      if (current !== undefined && now - current.key.created < turnMs) return;
      await this.#start(turn + 1, now);
    }
  }

  /** Of fronts that try at the same time one succeeds; the others find its key. */
  async #start(turn: number, now: number): Promise<void> {
    const slot = turn % slots.length;
    const key = new NonceKey(now);
    const row = { key_row: noKey, key_id: key.id, secret: key.secret, created: key.created };
    await this.#parts.database.commit([
      { statement: moveTurn, values: { turn: turn - 1 } },
      { statement: empties[slot] as (typeof empties)[number], values: {}, rows: 'any' },
      { statement: inserts[slot] as (typeof inserts)[number], values: row },
    ]);
  }

  #find(keyId: Buffer): Turn | undefined {
    return this.#turns.find(({ key }) => key.id.equals(keyId));
  }
}
