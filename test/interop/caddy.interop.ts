// The newest Caddy (Debian's is years older): automatic HTTPS, with renewal information (RFC 9773).
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openLab } from '../clients/lab.ts';
import { servedCertificate } from '../clients/served.ts';
import { checkInvariants } from '../support/invariants.ts';
import { start, until } from '../support/processes.ts';
import { fromGo } from './toolchain.ts';

const SITE = 'newest.caddy.localhost';

test('PR-07: Caddy, newest, with a profile', { timeout: 20 * 60_000 }, async (t) => {
  const caddy = await fromGo(t, 'github.com/caddyserver/caddy/v2/cmd/caddy@v2.11.9', 'caddy');
  if (caddy === undefined) return;
  await using lab = await openLab();
  const home = lab.folder('caddy');
  writeFileSync(join(home, 'Caddyfile'), `{
	admin off
	storage file_system ${home}/storage
	http_port ${lab.world.http01Port}
	https_port ${lab.world.tlsAlpn01Port}
	default_bind 127.0.0.1
	skip_install_trust
}
${SITE} {
	tls {
		issuer acme ${lab.world.directoryUrl} {
			trusted_roots ${lab.world.rootFile}
			profile server
		}
	}
	respond ok
}
`);
  await using running = start(caddy, ['run', '--config', join(home, 'Caddyfile')], { cwd: home, env: { HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home, NO_PROXY: '*' } });
  await until(`${SITE} is served`, async () => (await servedCertificate(lab.world, lab.world.tlsAlpn01Port, SITE)) !== undefined, 60_000)
    .catch((error: Error) => assert.fail(`${error.message}\n${running.output()}`));
  // It keeps the window that it was given, and asks again when Retry-After says so.
  const place = join(home, 'storage/certificates');
  const [file = ''] = readdirSync(place, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'));
  assert.match(readFileSync(join(place, file), 'utf8'), /"renewal_info"[\s\S]*"suggestedWindow"/);
  await checkInvariants(lab.world);
});
