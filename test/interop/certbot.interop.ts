// The newest certbot (Debian's is years older): http-01 with its standalone server, a profile, and renewal when we say so (RFC 9773).
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { openLab } from '../clients/lab.ts';
import { assertAccepted } from '../clients/relying-party.ts';
import { checkInvariants } from '../support/invariants.ts';
import { run } from '../support/processes.ts';
import { REPOSITORY } from '../support/world.ts';
import { fromPip } from './toolchain.ts';

test('PR-07: certbot, newest, with a profile that it insists on, and renewed when it is pulled forward', { timeout: 20 * 60_000 }, async (t) => {
  const certbot = await fromPip(t, 'certbot==5.8.0', 'certbot');
  if (certbot === undefined) return;
  await using lab = await openLab();
  const home = lab.folder('certbot');
  const folders = ['--config-dir', join(home, 'config'), '--work-dir', join(home, 'work'), '--logs-dir', join(home, 'logs')];
  const environment = { env: { REQUESTS_CA_BUNDLE: lab.world.rootFile, NO_PROXY: '*' } };
  await run(certbot, [
    'certonly', '--non-interactive', '--agree-tos', '--register-unsafely-without-email', '--server', lab.world.directoryUrl,
    '--standalone', '--http-01-address', '127.0.0.1', '--http-01-port', String(lab.world.http01Port), '--domain', 'newest.localhost', '--required-profile', 'server',
    ...folders,
  ], environment);
  const live = join(home, 'config/live/newest.localhost');
  const kept = { chain: join(live, 'fullchain.pem'), key: join(live, 'privkey.pem'), names: ['DNS:newest.localhost'], keyKind: 'ec P-256' };
  const first = await assertAccepted(lab.world, kept);
  await run(process.execPath, [join(REPOSITORY, 'src/main.ts'), 'renewals', 'pull', '--profile', 'server'], { env: lab.world.environment() });
  await run(certbot, ['renew', '--non-interactive', '--no-random-sleep-on-renew', ...folders], environment); // it has not asked yet, and so has nothing to wait for
  assert.notEqual((await assertAccepted(lab.world, kept)).serialNumber, first.serialNumber);
  await checkInvariants(lab.world);
});
