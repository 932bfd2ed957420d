/** What a client brought home, judged by relying parties that are not ours: OpenSSL and GnuTLS. */
import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../support/processes.ts';
import type { World } from '../support/world.ts';
import { installed } from './client-program.ts';

export interface BroughtHome {
  /** PEM files as the client wrote them. `chain` begins with the leaf. */
  readonly chain: string;
  readonly key: string;
  /** As node prints them: `DNS:a.test`, `IP Address:127.0.0.1`; any order, none missing, none more. */
  readonly names: readonly string[];
  /** `ec P-256`, `ec P-384`, `rsa 2048`. */
  readonly keyKind: string;
}

/** Leaf and issuer, no root; verifies strictly for every name; names, key kind and private key are those. Returns the leaf. */
export async function assertAccepted(world: World, home: BroughtHome): Promise<X509Certificate> {
  const pem = readFileSync(home.chain, 'utf8').match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----\n/g) ?? [];
  assert.equal(pem.length, 2, 'leaf and issuer');
  const leaf = new X509Certificate(pem[0] as string);
  assert.deepEqual(leaf.subjectAltName?.split(', ').sort(), [...home.names].sort());

  const privateKey = createPrivateKey(readFileSync(home.key));
  assert.ok(leaf.checkPrivateKey(privateKey), 'the private key is that of the certificate');
  const { namedCurve, modulusLength } = leaf.publicKey.asymmetricKeyDetails ?? {};
  const curves: Record<string, string> = { prime256v1: 'P-256', secp384r1: 'P-384' };
  assert.equal(`${leaf.publicKey.asymmetricKeyType} ${modulusLength ?? curves[namedCurve ?? '']}`, home.keyKind);

  const directory = mkdtempSync(join(world.directory, 'verify-'));
  try {
    const file = (name: string, text: string): string => {
      writeFileSync(join(directory, name), text);
      return join(directory, name);
    };
    const [leafFile, issuerFile] = [file('leaf.pem', pem[0] as string), file('issuer.pem', pem[1] as string)];
    for (const name of home.names) {
      const [kind, value = ''] = name.split(':');
      const wanted = kind === 'DNS' ? ['-verify_hostname', value.replace('*', 'any')] : ['-verify_ip', value];
      const against = ['-CAfile', world.rootFile, '-untrusted', issuerFile];
      const openssl = ['verify', '-x509_strict', '-purpose', 'sslserver', ...wanted, ...against, leafFile];
      assert.match(await run(installed('openssl'), openssl), /: OK$/m);
    }
    const chain = file('chain.pem', pem.join(''));
    const certtool = ['--verify', '--verify-profile', 'medium', '--load-ca-certificate', world.rootFile, '--infile', chain];
    assert.match(await run(installed('certtool', 'gnutls-bin'), certtool), /Chain verification output: Verified/);
  } finally {
    rmSync(directory, { recursive: true });
  }
  return leaf;
}
