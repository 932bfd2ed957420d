// @root/acme, the other family of ACME clients for Node.js (Greenlock stands on it): http-01.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openLab } from '../clients/lab.ts';
import { assertAccepted } from '../clients/relying-party.ts';
import { serveWebroot } from '../clients/webroot.ts';
import { checkInvariants } from '../support/invariants.ts';
import { run } from '../support/processes.ts';
import { fromNpm } from './toolchain.ts';

/** Directory URL, name, webroot and where to leave key and chain are its arguments. */
const PROGRAM = `
const { writeFileSync, rmSync } = require('node:fs');
const [ACME, CSR, Keypairs, PEM] = ['@root/acme', '@root/csr', '@root/keypairs', '@root/pem'].map((name) => require(name));
const [directoryUrl, name, webroot, keyFile, chainFile] = process.argv.slice(2);
const challenge = {
  init: async () => null,
  set: async ({ challenge: { token, keyAuthorization } }) => (writeFileSync(webroot + '/' + token, keyAuthorization), null),
  get: async ({ challenge }) => ({ keyAuthorization: challenge.keyAuthorization }),
  remove: async ({ challenge: { token } }) => (rmSync(webroot + '/' + token), null),
};
(async () => {
  const acme = ACME.create({ maintainerEmail: 'admin@home.arpa', packageAgent: 'interop/1.0', notify: () => {}, skipChallengeTest: true, skipDryRun: true });
  await acme.init(directoryUrl);
  const accountKey = (await Keypairs.generate({ kty: 'EC', format: 'jwk' })).private;
  const account = await acme.accounts.create({ subscriberEmail: 'admin@home.arpa', agreeToTerms: true, accountKey });
  const serverKey = (await Keypairs.generate({ kty: 'RSA', format: 'jwk' })).private;
  writeFileSync(keyFile, await Keypairs.export({ jwk: serverKey }), { mode: 0o600 });
  const csrDer = await CSR.csr({ jwk: serverKey, domains: [name], encoding: 'der' });
  const csr = PEM.packBlock({ type: 'CERTIFICATE REQUEST', bytes: csrDer });
  const { cert, chain } = await acme.certificates.create({ account, accountKey, csr, domains: [name], challenges: { 'http-01': challenge }, skipChallengeTest: true, skipDryRun: true });
  writeFileSync(chainFile, cert + '\\n' + chain + '\\n');
})().catch((error) => { console.error(error); process.exit(1); });
`;

test('@root/acme', { timeout: 20 * 60_000 }, async (t) => {
  const directory = await fromNpm(t, '@root/acme@3.1.0', '@root/csr@0.8.1');
  if (directory === undefined) return;
  await using lab = await openLab();
  const webroot = lab.folder('webroot');
  await using _server = await serveWebroot(webroot, lab.world.http01Port);
  const program = join(directory, 'certificate.cjs');
  writeFileSync(program, PROGRAM);
  const [chain, key] = [join(webroot, '../chain.pem'), join(webroot, '../site.key')];
  await run(process.execPath, [program, lab.world.directoryUrl, 'root-acme.localhost', webroot, key, chain],
    { env: { NODE_EXTRA_CA_CERTS: lab.world.rootFile, NO_PROXY: '*' } });
  await assertAccepted(lab.world, { chain, key, names: ['DNS:root-acme.localhost'], keyKind: 'rsa 2048' });
  await checkInvariants(lab.world);
});
