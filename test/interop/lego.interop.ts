// The newest lego (Debian's is years older): http-01 and tls-alpn-01 with its own servers.
import { join } from 'node:path';
import { test } from 'node:test';
import { openLab } from '../clients/lab.ts';
import { assertAccepted } from '../clients/relying-party.ts';
import { checkInvariants } from '../support/invariants.ts';
import { run } from '../support/processes.ts';
import { fromGo } from './toolchain.ts';

test('lego 4, newest', { timeout: 20 * 60_000 }, async (t) => {
  const lego = await fromGo(t, 'github.com/go-acme/lego/v4/cmd/lego@v4.25.2', 'lego');
  if (lego === undefined) return;
  await using lab = await openLab();
  const { directoryUrl, rootFile, http01Port, tlsAlpn01Port } = lab.world;
  const proofs = { http: ['--http', '--http.port', `127.0.0.1:${http01Port}`], tls: ['--tls', '--tls.port', `127.0.0.1:${tlsAlpn01Port}`] };
  for (const [kind, proof] of Object.entries(proofs)) {
    const [home, name] = [lab.folder(kind), `${kind}.localhost`];
    await run(lego, ['--server', directoryUrl, '--accept-tos', '--email', 'admin@home.arpa', '--path', home, ...proof, '--domains', name, 'run'],
      { env: { LEGO_CA_CERTIFICATES: rootFile, NO_PROXY: '*' } });
    const file = (suffix: string): string => join(home, 'certificates', `${name}.${suffix}`);
    await assertAccepted(lab.world, { chain: file('crt'), key: file('key'), names: [`DNS:${name}`], keyKind: 'ec P-256' });
  }
  await checkInvariants(lab.world);
});

test('lego 5: profile, renewal information, http-01', { timeout: 20 * 60_000 }, async (t) => {
  const lego = await fromGo(t, 'github.com/go-acme/lego/v5@v5.6.0', 'lego');
  if (lego === undefined) return;
  await using lab = await openLab();
  const { directoryUrl, rootFile, http01Port } = lab.world;
  const home = lab.folder('five');
  await run(lego, ['run', '--server', directoryUrl, '--accept-tos', '--email', 'admin@home.arpa', '--path', home, '--profile', 'server',
    '--http', '--http.address', `127.0.0.1:${http01Port}`, '--domains', 'five.localhost'], { env: { LEGO_CA_CERTIFICATES: rootFile, NO_PROXY: '*' } });
  const file = (suffix: string): string => join(home, 'certificates', `five.localhost.${suffix}`);
  await assertAccepted(lab.world, { chain: file('crt'), key: file('key'), names: ['DNS:five.localhost'], keyKind: 'ec P-256' });
  await checkInvariants(lab.world);
});
