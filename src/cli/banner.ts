/** What `chancery start` says when it is ready: where everything is, and commands that work when pasted. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Generation } from '../config/generation.ts';
import { atPort } from '../wiring/rehearsal/directories.ts';
import type { RehearsalSettings } from '../wiring/rehearsal/rehearsal.ts';
import { decodePem } from '../x509/pem.ts';

/** `notReady`: reasons, where requests cannot be served yet. */
export function banner(configured: Generation, notReady: readonly string[], rehearsal?: RehearsalSettings): string {
  const generation = rehearsal === undefined ? configured : atPort(rehearsal.acmePort)(configured);
  const { stateDirectory, listeners, validation } = generation;
  const here = (path: string): string => {
    const short = relative(process.env['INIT_CWD'] ?? process.cwd(), path);
    return quoted(short.startsWith('..') ? path : short);
  };
  const root = here(join(stateDirectory, 'public/root.pem'));
  const [rootDer = new Uint8Array()] = decodePem('CERTIFICATE', readFileSync(join(stateDirectory, 'public/root.pem'), 'utf8'));
  const fingerprint = createHash('sha256').update(rootDer).digest('hex').toUpperCase().match(/../g)?.join(':');
  const directories = [...generation.directories.values()].map(({ externalUrl, path }) => `${externalUrl}${path}/directory`);
  const [server = ''] = directories;
  const status = `http://localhost:${listeners.status.port}`;
  const shown = directories.map((url) => `  ACME        ${url}`).join('\n');
  const attempts = here(join(stateDirectory, 'try'));
  const attention = elsewhere(generation, rehearsal?.acmePort ?? listeners.acme.port).map((text) => `  attention   ${text}\n`).join('');
  return `
${notReady.length === 0 ? 'Chancery is ready' : `Chancery runs, and is NOT ready: ${notReady.join('; ')}`} (${generation.mode}).${generation.mode === 'development' ? ' Keys are in SoftHSM, all processes run as one user: for trying out, not for trust.' : ''}
${rehearsal === undefined ? '' : rehearsalText(server, rehearsal)}
${shown}
  status      ${status}/ca/root.pem  ${status}/healthz  ${status}/readyz
  metrics     http://${listeners.metrics.host}:${listeners.metrics.port}/metrics
  root        ${root}
  SHA-256     ${fingerprint}
  logs        ${here(join(stateDirectory, 'log/front.log'))}
${attention}
A first certificate, in another terminal (Debian: apt-get install certbot lego curl; names below .localhost are this machine):

  REQUESTS_CA_BUNDLE=${root} certbot certonly --standalone --http-01-port ${validation.http01Port} -n --agree-tos \\
    --register-unsafely-without-email --server ${server} -d demo.localhost \\
    --config-dir ${attempts}/certbot --work-dir ${attempts}/certbot --logs-dir ${attempts}/certbot

  LEGO_CA_CERTIFICATES=${root} lego --accept-tos --email you@example.internal --server ${server} \\
    --domains lego.localhost --http --http.port :${validation.http01Port} --path ${attempts}/lego run

  curl --cacert ${root} ${server}

Ctrl-C stops it.`;
}

/**
 * URLs of this machine whose port is not the one that we listen on. It may be meant so (something stands in front), and often is a port
 * that was moved in one place only.
 */
export function elsewhere({ directories, issuers, listeners }: Generation, acmePort: number): string[] {
  const leads = (file: string, key: string, url: string, port: number): string[] => {
    const { hostname, port: named, protocol } = new URL(url);
    const at = Number(named || (protocol === 'https:' ? 443 : 80));
    return ['localhost', '127.0.0.1', '[::1]'].includes(hostname) && at !== port ? [`${key} in ${file} says port ${at}, and the listener has ${port}`] : [];
  };
  return [
    ...[...directories.values()].flatMap(({ name, externalUrl }) => leads('ca.yaml', `directories.${name}.externalUrl`, externalUrl, acmePort)),
    ...[...issuers.values()].flatMap(({ id, crlUrl, caIssuersUrl, ocsp }) => Object.entries({ crlUrl, caIssuersUrl, ...(ocsp === undefined ? {} : { 'ocsp.url': ocsp.url }) })
      .flatMap(([key, url]) => leads(`issuers/ (${id})`, key, url, listeners.status.port))),
  ];
}

const rehearsalText = (server: string, { managementPort, rejectNonces, delayValidationsMs }: RehearsalSettings): string => `
REHEARSAL: ${Math.round(rejectNonces * 100)} % of good nonces are turned away, validations begin up to ${delayValidationsMs / 1000} s late, lists come in any order.
  like Pebble ${new URL('/dir', server).href}  ${new URL('/roots/0', Object.assign(new URL(server), { port: managementPort })).href}
`;

/** As a shell takes it for one word. */
const quoted = (path: string): string => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`);
