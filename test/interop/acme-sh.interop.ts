// acme.sh: http-01 with its standalone server, renewal and revocation. It is in no registry that programs are installed from here, so it runs where it is installed.
import { join } from 'node:path';
import { test } from 'node:test';
import { openLab } from '../clients/lab.ts';
import { assertAccepted } from '../clients/relying-party.ts';
import { checkInvariants } from '../support/invariants.ts';
import { run } from '../support/processes.ts';

test('acme.sh', { timeout: 20 * 60_000 }, async (t) => {
  const found = await run('sh', ['-c', 'command -v acme.sh']).catch(() => undefined);
  if (found === undefined) return t.skip('acme.sh is not installed: neither Debian nor a registry has it; put it on the path');
  await using lab = await openLab();
  const home = lab.folder('acme.sh');
  const always = ['--home', home, '--server', lab.world.directoryUrl, '--ca-bundle', lab.world.rootFile, '--domain', 'sh.localhost'];
  const acmeSh = (...args: string[]): Promise<string> => run(found.trim(), [...args, ...always], { env: { HOME: home, NO_PROXY: '*' } });
  const issue = ['--issue', '--standalone', '--listen-v4', '--httpport', String(lab.world.http01Port)];
  await acmeSh(...issue);
  await acmeSh(...issue, '--force');
  const place = join(home, 'sh.localhost_ecc');
  await assertAccepted(lab.world, { chain: join(place, 'fullchain.cer'), key: join(place, 'sh.localhost.key'), names: ['DNS:sh.localhost'], keyKind: 'ec P-256' });
  await acmeSh('--revoke', '--ecc');
  await checkInvariants(lab.world);
});
