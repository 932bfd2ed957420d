/**
 * mod_md (Debian's apache2-bin): an Apache with a server root of its own that gets certificates for its virtual hosts, by http-01 and
 * by tls-alpn-01, serves them after a graceful restart, and renews them when the CA says so. It cannot revoke.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { checkInvariants } from '../support/invariants.ts';
import { run, type Started, start, until } from '../support/processes.ts';
import { REPOSITORY } from '../support/world.ts';
import { installed } from './client-program.ts';
import { type Lab, openLab } from './lab.ts';
import { assertAccepted } from './relying-party.ts';
import { servedCertificate } from './served.ts';

const MODULES = '/usr/lib/apache2/modules';
const SITES = { 'http.md.localhost': 'http-01', 'alpn.md.localhost': 'tls-alpn-01' };

let lab: Lab;
let home: string;
before(async () => {
  lab = await openLab();
  home = lab.folder('apache');
  for (const folder of ['md', 'htdocs', 'run']) mkdirSync(join(home, folder));
});
after(() => lab?.[Symbol.asyncDispose]());

const configuration = () => `
ServerRoot ${home}
ServerName localhost
PidFile run/httpd.pid
DefaultRuntimeDir run
Mutex file:run
ErrorLog error.log
LogLevel warn md:debug
${['mpm_event', 'authz_core', 'ssl', 'md'].map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`).join('\n')}
Listen 127.0.0.1:${lab.world.http01Port}
Listen 127.0.0.1:${lab.world.tlsAlpn01Port} https
Protocols http/1.1 acme-tls/1
DocumentRoot htdocs

MDStoreDir md
MDCertificateAuthority ${lab.world.directoryUrl}
MDCACertificateFile ${lab.world.rootFile}
MDCertificateAgreement accepted
MDContactEmail admin@home.arpa
MDPortMap http:${lab.world.http01Port} https:${lab.world.tlsAlpn01Port}
MDPrivateKeys secp256r1
MDRetryDelay 5s
${Object.entries(SITES).map(([name, challenge]) => `
<MDomain ${name}>
  MDCAChallenges ${challenge}
</MDomain>
<VirtualHost *:${lab.world.tlsAlpn01Port}>
  ServerName ${name}
  SSLEngine on
</VirtualHost>`).join('\n')}
`;

/** As root, Apache would become somebody else, who may not read a test's files: it is told that it is somebody else already. */
function apache(config: string): Started {
  const command = ['/usr/sbin/apache2', '-f', config, '-DFOREGROUND'];
  const [first = '', ...rest] = process.getuid?.() === 0 ? [installed('unshare', 'util-linux'), '--map-user', '1000', '--map-group', '1000', ...command] : command;
  return start(first, rest, { cwd: home, env: { HOME: home, no_proxy: '*' } });
}

const served = (name: string) => servedCertificate(lab.world, lab.world.tlsAlpn01Port, name);

/** Starts Apache, waits until what it ordered is staged, and has it take that up. Gives back the serial numbers that are then served. */
async function certificates(before: Readonly<Record<string, string>>): Promise<Record<string, string>> {
  const config = join(home, 'httpd.conf');
  writeFileSync(config, configuration());
  await using running = apache(config);
  const failed = (error: Error) => assert.fail(`${error.message}\n${running.output()}\n${readFileSync(join(home, 'error.log'), 'utf8').slice(-10_000)}`);
  const staged = (name: string): boolean => {
    const job = join(home, 'md/staging', name, 'job.json');
    return existsSync(job) && (JSON.parse(readFileSync(job, 'utf8')) as { finished?: boolean }).finished === true;
  };
  for (const name of Object.keys(SITES)) await until(`${name} is staged`, () => staged(name), 30_000).catch(failed);
  running.kill('SIGUSR1'); // graceful
  const serials: Record<string, string> = {};
  for (const name of Object.keys(SITES)) {
    await until(`${name} is served`, async () => ![undefined, before[name]].includes((await served(name))?.serialNumber), 30_000).catch(failed);
    const file = (what: string): string => join(home, 'md/domains', name, what);
    const kept = { chain: file('pubcert.secp256r1.pem'), key: file('privkey.secp256r1.pem') };
    serials[name] = (await assertAccepted(lab.world, { ...kept, names: [`DNS:${name}`], keyKind: 'ec P-256' })).serialNumber;
  }
  return serials;
}

test('http-01 and tls-alpn-01: virtual hosts are served after a graceful restart, and renewed when an operator pulls them forward', async () => {
  const first = await certificates({});
  const pull = ['renewals', 'pull', '--profile', 'server', '--explanation', 'https://pki.home.arpa/incidents/7'];
  await run(process.execPath, [join(REPOSITORY, 'src/main.ts'), ...pull], { env: lab.world.environment() });
  const second = await certificates(first); // mod_md asks for renewal information when it starts (RFC 9773)
  for (const name of Object.keys(SITES)) assert.notEqual(second[name], first[name]);
});

test('the invariants hold', () => checkInvariants(lab.world, { status: true }));
