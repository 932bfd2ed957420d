/**
 * Caddy (Debian): its automatic HTTPS. Sites are named, certificates come by http-01 or tls-alpn-01 and are served; with another window,
 * it renews them. Debian's has no command that revokes.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { checkInvariants } from '../support/invariants.ts';
import { type Started, start, until } from '../support/processes.ts';
import { installed } from './client-program.ts';
import { type Lab, openLab } from './lab.ts';
import { assertAccepted } from './relying-party.ts';
import { servedCertificate } from './served.ts';

let lab: Lab;
let home: string;
before(async () => {
  lab = await openLab();
  home = lab.folder('caddy');
});
after(() => lab?.[Symbol.asyncDispose]());

const caddyfile = () => `{
	admin off
	storage file_system ${home}/storage
	http_port ${lab.world.http01Port}
	https_port ${lab.world.tlsAlpn01Port}
	default_bind 127.0.0.1
	skip_install_trust
	email admin@home.arpa
	acme_ca ${lab.world.directoryUrl}
	acme_ca_root ${lab.world.rootFile}
}
http.caddy.localhost {
	tls {
		issuer acme {
			disable_tlsalpn_challenge
		}
	}
	respond "by http-01"
}
alpn.caddy.localhost {
	tls {
		issuer acme {
			disable_http_challenge
		}
	}
	respond "by tls-alpn-01"
}
`;

const environment = () => ({ HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home, NO_PROXY: '*' });
const caddy = (...args: readonly string[]): Started => start(installed('caddy'), ['run', ...args], { cwd: home, env: environment() });
const served = (name: string) => servedCertificate(lab.world, lab.world.tlsAlpn01Port, name);

/** What Caddy keeps for a name, judged as what any other client brings home. */
function stored(name: string) {
  const place = lab.world.directoryUrl.replace('https://', '').replace(/[:/]/g, '-');
  const file = (suffix: string): string => join(home, 'storage/certificates', place, name, `${name}.${suffix}`);
  return assertAccepted(lab.world, { chain: file('crt'), key: file('key'), names: [`DNS:${name}`], keyKind: 'ec P-256' });
}

/** A wait that was in vain, with what Caddy said meanwhile. */
const failedWith = (running: Started) => (error: Error) => assert.fail(`${error.message}\n${running.output()}`);

const SITES = ['http.caddy.localhost', 'alpn.caddy.localhost'];

test('http-01 and tls-alpn-01: sites are served with certificates soon after the start, and renewed when due', async () => {
  const config = join(home, 'Caddyfile');
  writeFileSync(config, caddyfile());
  const first = new Map<string, string>();
  {
    await using running = caddy('--config', config);
    for (const name of SITES) {
      await until(`${name} is served`, async () => (await served(name)) !== undefined, 30_000).catch(failedWith(running));
      const leaf = await stored(name);
      assert.equal((await served(name))?.serialNumber, leaf.serialNumber);
      first.set(name, leaf.serialNumber);
    }
  }

  // The same configuration with the whole life of a certificate as the window in which it is renewed: only Caddy's own JSON can say so.
  const adapted = JSON.parse(execFileSync(installed('caddy'), ['adapt', '--config', config], { encoding: 'utf8', env: environment(), stdio: 'pipe' })) as Adapted;
  for (const policy of adapted.apps.tls.automation.policies) policy['renewal_window_ratio'] = 1;
  writeFileSync(join(home, 'caddy.json'), JSON.stringify(adapted));
  await using running = caddy('--config', join(home, 'caddy.json'));
  for (const name of SITES) {
    const renewed = async (): Promise<boolean> => ![undefined, first.get(name)].includes((await served(name))?.serialNumber);
    await until(`${name} is renewed`, renewed, 30_000).catch(failedWith(running));
    await stored(name);
  }
});

interface Adapted {
  readonly apps: { readonly tls: { readonly automation: { readonly policies: Record<string, unknown>[] } } };
}

test('the invariants hold', () => checkInvariants(lab.world, { status: true }));
