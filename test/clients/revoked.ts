/** Whether the world hears of a revocation: by OCSP, as OpenSSL asks, at the URL that the certificate names. */
import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { World } from '../support/world.ts';
import { clientProgram } from './client-program.ts';

/** `chain` is PEM, leaf and issuer; `reason` as OpenSSL prints it, undefined where none was given. */
export async function assertRevoked(world: World, chain: string, reason?: string): Promise<void> {
  const [leaf = '', issuer = ''] = chain.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----\n/g) ?? [];
  const home = mkdtempSync(join(world.directory, 'revoked-'));
  writeFileSync(join(home, 'leaf.pem'), leaf);
  writeFileSync(join(home, 'issuer.pem'), issuer);
  const openssl = clientProgram('openssl', { home });
  const url = (await openssl(['x509', '-noout', '-ocsp_uri', '-in', 'leaf.pem'])).trim();
  const printed = await openssl(['ocsp', '-issuer', 'issuer.pem', '-cert', 'leaf.pem', '-url', url, '-CAfile', world.rootFile]);
  assert.match(printed, /Response verify OK[\s\S]*leaf\.pem: revoked\n/);
  assert.equal(/Reason: (\w+)/.exec(printed)?.[1], reason);
}
