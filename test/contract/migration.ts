/** What migrating must do on every engine. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { migrations } from '../../migrations/index.ts';
import { DatabaseUnusable, openDatabase, rawStatement } from '../../src/database/database.ts';
import { migrate } from '../../src/database/migrate.ts';
import { type NewDatabase, probe } from './database.ts';

const everything = migrations.map(({ name }) => name);

export function migrationContract(newDatabase: NewDatabase): void {
  it('migrates once', async () => {
    await using database = await openDatabase(await newDatabase());
    assert.deepEqual(await migrate(database), everything);
    assert.deepEqual(await migrate(database), []);
  });

  it('migrates once, though two begin at the same time', async () => {
    const url = await newDatabase();
    await using first = await openDatabase(url);
    await using second = await openDatabase(url);
    const added = await Promise.all([migrate(first), migrate(second)]);
    assert.deepEqual(added.flat(), everything);
  });

  it('adds only what is missing', async () => {
    await using database = await openDatabase(await newDatabase());
    await migrate(database);
    assert.deepEqual(await migrate(database, [...migrations, probe]), [probe.name]);
  });

  it('refuses a schema that a newer version has made, in one sentence', async () => {
    await using database = await openDatabase(await newDatabase());
    await migrate(database, [...migrations, probe]);
    await assert.rejects(
      migrate(database),
      (error) => error instanceof DatabaseUnusable && /newer version .*9999-probe/.test(error.message),
    );
  });

  it('leaves nothing behind when a migration fails', async () => {
    await using database = await openDatabase(await newDatabase());
    const broken = { name: '9998-broken', up: () => ['create table half (id text)', 'nonsense'] };
    await assert.rejects(migrate(database, [...migrations, broken]), /nonsense/);
    await assert.rejects(database.one(rawStatement('select id from half')), /half/);
    assert.deepEqual(await migrate(database), everything);
  });
}
