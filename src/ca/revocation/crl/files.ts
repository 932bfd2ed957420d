/**
 * The published CRLs as files, for web servers and CDNs that are to serve them without us: this front's copy of what the database holds.
 *
 *   ISSUERKEY/SHARD/NUMBER.crl   never changed once written; the newest two of each shard are kept
 *   ISSUERKEY/SHARD.crl          the newest
 *   manifest.json                what is newest, with digests
 *
 * Every file appears whole under its name. One that was changed or deleted is written again.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Database } from '../../../database/database.ts';
import { crlUrlOf } from '../../../x509/shape.ts';
import type { Authority } from '../../issuance/issuer-key.ts';
import { latest, type ShardState, shardStates } from './store.ts';

const KEPT = 2;

/** Makes the files below `directory` what they should be; resolves to how many it had to write. */
export async function keepCrlFiles(database: Database, authority: Authority, directory: string): Promise<number> {
  let written = 0;
  const crls: object[] = [];
  for (const { id, shape } of authority.issuerKeys.values()) {
    for (const state of await shardStates(database, id)) {
      const { shard, number, sha256, this_update, next_update, entries } = state;
      if (number === null || sha256 === null || this_update === null || next_update === null || shard > shape.shards) continue;
      const file = join(id, String(shard), `${BigInt(number)}.crl`);
      written += await keepShard(database, directory, id, state, sha256, file);
      crls.push({
        issuerKey: id, shard, url: crlUrlOf(shape, shard), file, number: String(BigInt(number)), sha256, entries,
        thisUpdate: new Date(this_update).toISOString(), nextUpdate: new Date(next_update).toISOString(),
      });
    }
  }
  const manifest = `${JSON.stringify({ crls }, null, 1)}\n`;
  const path = join(directory, 'manifest.json');
  if ((await read(path))?.toString('utf8') !== manifest) {
    await put(path, manifest);
    written += 1;
  }
  return written;
}

async function keepShard(database: Database, directory: string, issuerKey: string, { shard }: ShardState, sha256: string, file: string): Promise<number> {
  const paths = [join(directory, file), join(directory, issuerKey, `${shard}.crl`)];
  const sound = await Promise.all(paths.map(async (path) => digestOf(await read(path)) === sha256));
  const missing = paths.filter((_, index) => sound[index] !== true);
  if (missing.length === 0) return 0;
  const row = await latest(database, issuerKey, shard);
  if (row?.sha256 !== sha256) return 0; // another was published meanwhile: the next run writes it
  for (const path of missing) await put(path, row.der);
  const folder = dirname(join(directory, file));
  const old = (await readdir(folder)).filter((name) => /^\d+\.crl$/.test(name)).sort((a, b) => b.length - a.length || (a < b ? 1 : -1)).slice(KEPT);
  for (const name of old) await rm(join(folder, name), { force: true });
  return missing.length;
}

const digestOf = (bytes: Uint8Array | undefined): string | undefined => bytes && createHash('sha256').update(bytes).digest('hex');

async function read(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function put(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.draft`; // fronts of one machine share the directory
  await writeFile(draft, content, { mode: 0o644, flush: true });
  await rename(draft, path);
}
