/** External account bindings in the other clients that can have them: refused without one, certified with the one that the command line handed out. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { count } from '../support/fleet.ts';
import { checkInvariants } from '../support/invariants.ts';
import { run, start, until } from '../support/processes.ts';
import { REPOSITORY } from '../support/world.ts';
import { clientProgram, installed } from './client-program.ts';
import { type Lab, openLab } from './lab.ts';
import { servedCertificate } from './served.ts';
import { serveWebroot } from './webroot.ts';

let lab: Lab;
before(async () => {
  lab = await openLab((ca) => { ca.directories.default.externalAccountRequired = true; });
});
after(() => lab?.[Symbol.asyncDispose]());

const secrets = new Map<string, string>();

async function handOut(name: string): Promise<{ kid: string; hmacKey: string }> {
  const args = ['src/main.ts', 'eab', 'create', '--json', '--name', name];
  const made = JSON.parse(await run(process.execPath, args, { cwd: REPOSITORY, env: lab.world.environment() })) as { credential: { id: string }; hmacKey: string };
  secrets.set(`the HMAC key for ${name}`, made.hmacKey);
  return { kid: made.credential.id, hmacKey: made.hmacKey };
}

/** That the account with this binding has a certificate. */
const certified = async (handed: { kid: string }): Promise<void> => assert.equal(await issuedTo(handed), 1);
const issuedTo = ({ kid }: { kid: string }): Promise<number> =>
  count(lab.world.database, `select count(*) from certificate where requester_id in (select id from acme_account where eab = '${kid}')`);

test('dehydrated', async () => {
  const [home, webroot] = [lab.folder('dehydrated'), lab.folder('dehydrated-www')];
  await using _server = await serveWebroot(webroot, lab.world.http01Port);
  const dehydrated = clientProgram('dehydrated', { home });
  const configure = (more: string): void =>
    writeFileSync(join(home, 'config'), `CA="${lab.world.directoryUrl}"\nCURL_OPTS="--cacert ${lab.world.rootFile}"\nBASEDIR="${home}"\nWELLKNOWN="${webroot}"\n${more}`);
  configure('');
  const register = ['--config', join(home, 'config'), '--register', '--accept-terms'];
  await dehydrated(register, { exit: 1 });
  const handed = await handOut('dehydrated.localhost');
  configure(`EAB_KID="${handed.kid}"\nEAB_HMAC_KEY="${handed.hmacKey}"\n`);
  await dehydrated(register);
  await dehydrated(['--config', join(home, 'config'), '--cron', '--domain', 'dehydrated.localhost']);
  await certified(handed);
});

test('uacme', async () => {
  const [home, webroot] = [lab.folder('uacme'), lab.folder('uacme-www')];
  await using _server = await serveWebroot(webroot, lab.world.http01Port);
  const bundle = '/etc/ssl/certs/ca-certificates.crt';
  const through = [
    installed('unshare', 'util-linux'), '--mount', ...(process.getuid?.() === 0 ? [] : ['--map-root-user']),
    'sh', '-c', `mount --bind "$0" ${bundle} && exec "$@"`, lab.world.rootFile,
  ];
  const program = clientProgram('uacme', { home, through, environment: { UACME_CHALLENGE_PATH: webroot } });
  const uacme: typeof program = (args, expected) => program(['--acme-url', lab.world.directoryUrl, '--confdir', home, '--yes', ...args], expected);
  await uacme(['new'], { exit: 2 });
  const handed = await handOut('uacme.localhost');
  await uacme(['--eab', `${handed.kid}:${handed.hmacKey}`, 'new']);
  await uacme(['--hook', '/usr/share/uacme/uacme.sh', 'issue', 'uacme.localhost']);
  await certified(handed);
});

test('Caddy', async () => {
  const home = lab.folder('caddy');
  const handed = await handOut('caddy.localhost');
  writeFileSync(join(home, 'Caddyfile'), `{
	admin off
	storage file_system ${home}/storage
	http_port ${lab.world.http01Port}
	https_port ${lab.world.tlsAlpn01Port}
	default_bind 127.0.0.1
	skip_install_trust
}
caddy.localhost {
	tls {
		issuer acme ${lab.world.directoryUrl} {
			trusted_roots ${lab.world.rootFile}
			eab ${handed.kid} ${handed.hmacKey}
		}
	}
}
`);
  const environment = { HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home, NO_PROXY: '*' };
  await using running = start(installed('caddy'), ['run', '--config', join(home, 'Caddyfile')], { cwd: home, env: environment });
  await until('the site is served', async () => (await servedCertificate(lab.world, lab.world.tlsAlpn01Port, 'caddy.localhost')) !== undefined, 60_000)
    .catch((error: Error) => assert.fail(`${error.message}\n${running.output()}`));
  await certified(handed);
});

test('Apache mod_md', async () => {
  const home = lab.folder('apache');
  const handed = await handOut('apache.localhost');
  mkdirSync(join(home, 'md'));
  writeFileSync(join(home, 'httpd.conf'), `
ServerRoot ${home}
ServerName localhost
PidFile httpd.pid
DefaultRuntimeDir .
Mutex file:.
ErrorLog error.log
LogLevel warn md:debug
${['mpm_event', 'authz_core', 'ssl', 'md'].map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
Listen 127.0.0.1:${lab.world.http01Port}
Listen 127.0.0.1:${lab.world.tlsAlpn01Port} https
MDStoreDir md
MDCertificateAuthority ${lab.world.directoryUrl}
MDCACertificateFile ${lab.world.rootFile}
MDCertificateAgreement accepted
MDContactEmail admin@home.arpa
MDExternalAccountBinding ${handed.kid} ${handed.hmacKey}
MDPortMap http:${lab.world.http01Port} https:${lab.world.tlsAlpn01Port}
MDomain apache.localhost
<VirtualHost *:${lab.world.tlsAlpn01Port}>
  ServerName apache.localhost
  SSLEngine on
</VirtualHost>
`);
  // As root, Apache would become somebody else, who may not read a test's files: it is told that it is somebody else already.
  const command = ['/usr/sbin/apache2', '-f', join(home, 'httpd.conf'), '-DFOREGROUND'];
  const [first = '', ...rest] = process.getuid?.() === 0 ? [installed('unshare', 'util-linux'), '--map-user', '1000', '--map-group', '1000', ...command] : command;
  await using running = start(first, rest, { cwd: home, env: { HOME: home, no_proxy: '*' } });
  await until('it has its certificate', async () => (await issuedTo(handed)) === 1, 60_000)
    .catch((error: Error) => assert.fail(`${error.message}\n${running.output()}\n${readFileSync(join(home, 'error.log'), 'utf8').slice(-4000)}`));
});

test('acme-client for Node.js', async () => {
  const handed = await handOut('node.localhost');
  const webroot = lab.folder('node-www');
  await using _server = await serveWebroot(webroot, lab.world.http01Port);
  const program = join(lab.folder('node'), 'certificate.mjs');
  writeFileSync(program, `
import { writeFileSync } from 'node:fs';
import acme from ${JSON.stringify(import.meta.resolve('acme-client'))};
const [directoryUrl, webroot, kid, hmacKey] = process.argv.slice(2);
const binding = kid === undefined ? {} : { externalAccountBinding: { kid, hmacKey } };
const client = new acme.Client({ directoryUrl, accountKey: await acme.crypto.createPrivateEcdsaKey(), ...binding });
const [, csr] = await acme.crypto.createCsr({ altNames: ['node.localhost'] }, await acme.crypto.createPrivateEcdsaKey());
await client.auto({
  csr, termsOfServiceAgreed: true, skipChallengeVerification: true, challengePriority: ['http-01'],
  challengeCreateFn: async (_, { token }, proof) => writeFileSync(webroot + '/' + token, proof), challengeRemoveFn: async () => {},
});
`);
  const node = (...binding: string[]) => [program, lab.world.directoryUrl, webroot, ...binding];
  const env = { NODE_EXTRA_CA_CERTS: lab.world.rootFile, NO_PROXY: '*' };
  await run(process.execPath, node(), { env, exit: 1 });
  await run(process.execPath, node(handed.kid, handed.hmacKey), { env });
  await certified(handed);
});

test('the invariants hold, and no HMAC key stands where it could be read', () => checkInvariants(lab.world, { status: true, secrets }));
