/** Copies of a world's database and journal that a test may corrupt, as a bug, a thief or a bad disk would: all else stays consistent. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { canonicalJson, sha256 } from '../../src/ca/canonical-json.ts';
import { openDatabase } from '../../src/database/database.ts';
import { FIRST_PREV, headOf } from '../../src/signing/journal-line.ts';
import { findViolations, type Sources } from './invariants.ts';

// biome-ignore lint/suspicious/noExplicitAny: rows and lines of any shape, that a corruption changes at will
export type Loose = Record<string, any>;

/** What is copied: nothing may write to it meanwhile. */
export interface Original {
  readonly databaseFile: string;
  readonly journal: string;
  readonly sources: Omit<Sources, 'database' | 'journals'>;
}

export class Copy implements Disposable {
  readonly directory: string;
  readonly journal: string;
  /** A corruption may change what else the checker is given. */
  sources: Omit<Sources, 'database'>;
  readonly #file: string;
  readonly #database: Sqlite.Database;

  constructor({ databaseFile, journal, sources }: Original) {
    this.directory = mkdtempSync(join(tmpdir(), 'chancery-copy-'));
    this.#file = join(this.directory, 'chancery.db');
    this.journal = join(this.directory, 'journal');
    cpSync(databaseFile, this.#file);
    cpSync(journal, this.journal, { recursive: true });
    this.#database = new Sqlite(this.#file);
    this.sources = { ...sources, journals: [this.journal] };
  }

  [Symbol.dispose](): void {
    this.#database.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  async violations(): Promise<string[]> {
    await using database = await openDatabase(`sqlite:${this.#file}`);
    return await findViolations({ ...this.sources, database }); // while it is open
  }

  // ── database ──

  row(sql: string, ...values: unknown[]): Loose {
    const row = this.#database.prepare(sql).get(...values);
    if (row === undefined) throw new Error(`nothing found: ${sql}`);
    return row as Loose;
  }

  /** Changes at least one row. */
  run(sql: string, ...values: unknown[]): void {
    if (this.#database.prepare(sql).run(...values).changes === 0) throw new Error(`nothing changed: ${sql}`);
  }

  dropIndex(name: string): void {
    this.#database.exec(`drop index ${name}`);
  }

  /** Writes the row that `sql` selects once more, with these columns changed. */
  duplicate(table: string, where: string, changes: Loose): void {
    const row = { ...this.row(`select * from ${table} where ${where}`), ...changes };
    const columns = Object.keys(row);
    this.run(`insert into ${table} (${columns.join()}) values (${columns.map(() => '?').join()})`, ...Object.values(row));
  }

  /** Another document for one certificate: content-addressed again, and named by whoever named the old one. */
  replaceEvidence(digest: string, change: (document: Loose) => void): void {
    const { body } = this.row('select body from evidence where digest = ?', digest);
    const document = JSON.parse(body) as Loose;
    change(document);
    const changed = canonicalJson(document);
    this.run('update evidence set body = ?, digest = ? where digest = ?', changed, sha256(changed), digest);
    for (const table of ['intent', 'certificate']) this.run(`update ${table} set evidence_digest = ? where evidence_digest = ?`, sha256(changed), digest);
    this.run('update audit_entry set body = replace(body, ?, ?) where instr(body, ?) > 0', digest, sha256(changed), digest);
    this.#rehash();
  }

  /** An audit entry that says something else, and hashes to what it says. */
  replaceEntry(where: string, change: (said: Loose) => void): void {
    const { id, body } = this.row(`select id, body from audit_entry where ${where}`);
    const said = JSON.parse(body) as Loose;
    change(said);
    this.run('update audit_entry set body = ? where id = ?', canonicalJson(said), id);
    this.#rehash();
  }

  /** Takes an entry out, and closes the gap. */
  removeEntry(where: string): void {
    const { id, seq } = this.row(`select id, seq from audit_entry where ${where}`);
    this.run('delete from audit_entry where id = ?', id);
    for (let next = seq + 1; this.#database.prepare('update audit_entry set seq = ? where seq = ?').run(next - 1, next).changes > 0; next += 1);
  }

  #rehash(): void {
    for (const { id, body } of this.#database.prepare('select id, body from audit_entry').all() as Loose[]) {
      this.run('update audit_entry set hash = ? where id = ?', sha256(body), id);
    }
  }

  // ── journal ──

  get journalFile(): string {
    return join(this.journal, readdirSync(this.journal).filter((name) => name.endsWith('.jsonl')).sort().at(-1) as string);
  }

  /** Changes the text of the newest journal file, chain or no chain. */
  rewriteText(change: (text: string) => string): void {
    const before = readFileSync(this.journalFile, 'latin1');
    const after = change(before);
    if (after === before) throw new Error('nothing changed in the journal');
    writeFileSync(this.journalFile, after, 'latin1');
  }

  /** Changes lines and chains them anew, as somebody would who owns the signer's disk. */
  rewriteLines(change: (lines: Loose[]) => Loose[]): void {
    this.rewriteText((text) => {
      let prev = FIRST_PREV;
      return change(text.trimEnd().split('\n').map((line) => JSON.parse(line) as Loose)).map((line, index) => {
        const chained = JSON.stringify({ ...line, seq: index + 1, prev });
        prev = headOf(chained);
        return `${chained}\n`;
      }).join('');
    });
  }
}
