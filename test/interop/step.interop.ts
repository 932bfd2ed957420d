// Smallstep's step command line: http-01 with its standalone server, a new account at each run, nonces by GET.
import { join } from 'node:path';
import { test } from 'node:test';
import { openLab } from '../clients/lab.ts';
import { assertAccepted } from '../clients/relying-party.ts';
import { checkInvariants } from '../support/invariants.ts';
import { run } from '../support/processes.ts';
import { fromGo } from './toolchain.ts';

test('step', { timeout: 20 * 60_000 }, async (t) => {
  const step = await fromGo(t, 'github.com/smallstep/cli/cmd/step@v0.21.0', 'step');
  if (step === undefined) return;
  await using lab = await openLab();
  const home = lab.folder('step');
  const [chain, key] = [join(home, 'chain.pem'), join(home, 'site.key')];
  await run(step, [
    'ca', 'certificate', 'step.localhost', chain, key, '--acme', lab.world.directoryUrl, '--root', lab.world.rootFile,
    '--standalone', '--http-listen', `127.0.0.1:${lab.world.http01Port}`, '--contact', 'mailto:admin@home.arpa', // it puts what it is given into the request as it is
  ], { env: { HOME: home, STEPPATH: home, NO_PROXY: '*' } });
  await assertAccepted(lab.world, { chain, key, names: ['DNS:step.localhost'], keyKind: 'ec P-256' });
  await checkInvariants(lab.world);
});
