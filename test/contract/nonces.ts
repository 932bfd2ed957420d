/** What nonces must do on every engine. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Database, openDatabase } from '../../src/database/database.ts';
import { migrate } from '../../src/database/migrate.ts';
import { type Nonces, openNonces } from '../../src/database/nonces.ts';
import type { NewDatabase } from './database.ts';

export function nonceContract(newDatabase: NewDatabase): void {
  describe('nonces', () => {
    let database: Database;
    let nonces: Nonces;
    before(async () => {
      database = await openDatabase(await newDatabase());
      await migrate(database);
      nonces = await openNonces(database, { now: Date.now });
    });
    after(async () => {
      nonces[Symbol.dispose]();
      await database[Symbol.asyncDispose]();
    });

    it('is fresh once, out of 50 who try at the same time', async () => {
      const nonce = nonces.issue();
      const said = await Promise.all(Array.from({ length: 50 }, () => nonces.redeem(nonce)));
      assert.equal(said.filter((word) => word === 'fresh').length, 1);
      assert.equal(said.filter((word) => word === 'bad').length, 49);
    });

    it('never issues the same one twice, and each can be redeemed', async () => {
      const issued = Array.from({ length: 300 }, () => nonces.issue());
      assert.equal(new Set(issued).size, issued.length);
      const said = await Promise.all(issued.map((nonce) => nonces.redeem(nonce)));
      assert.ok(said.every((word) => word === 'fresh'));
    });

    it('issues and redeems without a durable commit', async () => {
      const before = database.counters.commits;
      await nonces.redeem(nonces.issue());
      assert.equal(database.counters.commits, before);
    });

    it('tells a malformed nonce (RFC 8555 §6.5.2) from one that is not ours', async () => {
      const nonce = nonces.issue();
      assert.match(nonce, /^[A-Za-z0-9_-]+$/);
      const malformed = [
        '',
        'a',
        `${nonce}=`,
        `${nonce}\n`,
        ` ${nonce}`,
        `${nonce}+`,
        'Zé',
        'ab/d',
        nonce.replace(/.$/, '*'),
      ];
      for (const text of malformed) assert.equal(await nonces.redeem(text), 'malformed', JSON.stringify(text));
      for (const text of ['AAAA', Buffer.alloc(48).toString('base64url'), Buffer.alloc(4000).toString('base64url')]) {
        assert.equal(await nonces.redeem(text), 'bad', text.slice(0, 80));
      }
      assert.equal(await nonces.redeem(nonce), 'fresh');
    });

    it('refuses one in which any octet was changed', async () => {
      const sealed = Buffer.from(nonces.issue(), 'base64url');
      for (const i of sealed.keys()) {
        const forged = Buffer.from(sealed);
        forged[i] = (forged[i] as number) ^ 1;
        assert.equal(await nonces.redeem(forged.toString('base64url')), 'bad', `octet ${i}`);
      }
    });
  });
}
