/**
 * The development ceremony: a root and an intermediate, and another two for the staging directory, in SoftHSM tokens below one
 * directory, marked by their names as worth nothing. `node ceremony/development.ts --state DIR [--module PATH]`, or from a program: developmentCeremony().
 *
 * It may be stopped at any point and run again: every step first looks whether it was done, every file appears whole under
 * its name or not at all, and nothing that exists is overwritten. A second run changes nothing.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { KeyFault } from '../src/keys/errors.ts';
import { MECHANISMS } from '../src/keys/mechanisms.ts';
import { KeyModule } from '../src/keys/module.ts';
import { RefusedPins, readPin } from '../src/keys/pin.ts';
import { makeToken, Workbench } from '../src/keys/provision.ts';
import { Token } from '../src/keys/token.ts';
import { type CaFacts, isSignedBy, renderCaTbs } from '../src/x509/ca-certificate.ts';
import { assembleCertificate, type Certificate, certificateSha256, parseCertificate } from '../src/x509/certificate.ts';
import { encodeName } from '../src/x509/distinguished-name.ts';
import { decodePem, encodePem } from '../src/x509/pem.ts';
import { keyIdOf } from '../src/x509/public-key.ts';
import { notAfterOf } from '../src/x509/tbs.ts';
import { assembleCrl } from '../src/x509/crl.ts';
import { caFaults } from './ca-faults.ts';
import { firstRootCrlTbs } from './root-crl.ts';

type Role = keyof typeof ROLES;

const ALGORITHM = 'ecdsa-sha256-p256';
const YEAR = 365 * 86_400_000;
/** In this order. The token of a role is called chancery-ROLE, its certificate ROLE.pem; `issuer` is absent where it signs itself. */
const ROLES = {
  root: { name: 'Chancery Development Root', validity: 10 * YEAR },
  intermediate: { name: 'Chancery Development Intermediate', validity: 3 * YEAR, issuer: 'root' },
  'staging-root': { name: 'STAGING Chancery Development Root', validity: 10 * YEAR },
  'staging-intermediate': { name: 'STAGING Chancery Development Intermediate', validity: 3 * YEAR, issuer: 'staging-root' },
} as const satisfies Record<string, { name: string; validity: number; issuer?: string }>;
const rolesInOrder = Object.keys(ROLES) as Role[];
const rootsInOrder = rolesInOrder.filter((role) => !('issuer' in ROLES[role]));
const issuerOf = (role: Role): Role => {
  const row = ROLES[role];
  return 'issuer' in row ? row.issuer : role;
};
const tokenOf = (role: Role): string => `chancery-${role}`;
const KEY_ID = Buffer.of(1);
/** Labels of the keys that answer OCSP for an intermediate, in its token; the public halves are files of these names. */
const RESPONDERS = { intermediate: 'ocsp', 'staging-intermediate': 'staging-ocsp' } as const satisfies Partial<Record<Role, string>>;
const RESPONDER_ID = Buffer.of(2);
const answering = Object.keys(RESPONDERS) as (keyof typeof RESPONDERS)[];
const MODULES = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so',
  '/opt/homebrew/lib/softhsm/libsofthsm2.so',
];

export interface DevelopmentCeremony {
  /** Directory below which everything is written: tokens/, softhsm2.conf, pins/, public/. */
  readonly state: string;
  /** SoftHSM; by default where the packages put it. */
  readonly module?: string;
  /** Milliseconds UTC, for the validity. */
  readonly now?: number;
  /** Told one line per step. */
  readonly say?: (line: string) => void;
}

/**
 * @returns the paths of the certificates (PEM), by role
 * @throws KeyFault with one sentence when module or tokens cannot be used
 */
export function developmentCeremony(ceremony: DevelopmentCeremony): Promise<Readonly<Record<Role, string>>> {
  return new Ceremony(ceremony).run();
}

class Ceremony {
  readonly #state: string;
  readonly #modulePath: string;
  readonly #now: number;
  readonly #say: (line: string) => void;

  constructor({ state, module, now = Date.now(), say = () => {} }: DevelopmentCeremony) {
    this.#state = resolve(state);
    this.#modulePath = module ?? MODULES.find((path) => existsSync(path)) ?? (MODULES[0] as string);
    this.#now = Math.floor(now / 1000) * 1000;
    this.#say = say;
  }

  async run(): Promise<Readonly<Record<Role, string>>> {
    const paths = Object.fromEntries(rolesInOrder.map((role) => [role, this.#certificatePath(role)])) as Record<Role, string>;
    const files = [...Object.values(paths), ...rootsInOrder.map((role) => this.#crlPath(role)), ...answering.map((role) => this.#responderPath(role))];
    if (files.every((path) => existsSync(path))) {
      this.#say(`The development keys are there already: ${dirname(paths.root)}`);
      return paths;
    }
    const module = this.#openModule();
    try {
      const made = new Map<Role, Certificate>();
      for (const role of rolesInOrder) made.set(role, await this.#certify(module, role, made.get(issuerOf(role))));
      for (const role of rootsInOrder) await this.#publishCrl(module, role, made.get(role) as Certificate);
      for (const role of answering) this.#makeResponderKey(module, role);
    } finally {
      module.finalise(); // the root tokens are closed, and nothing of the server opens them again
    }
    return paths;
  }

  #openModule(): KeyModule {
    const conf = join(this.#state, 'softhsm2.conf');
    const tokens = join(this.#state, 'tokens');
    mkdirSync(tokens, { recursive: true, mode: 0o700 });
    const lines = [`directories.tokendir = ${tokens}`, 'objectstore.backend = file', 'log.level = ERROR', ''];
    writeOnce(conf, lines.join('\n'), 0o600);
    process.env['SOFTHSM2_CONF'] = conf;
    return new KeyModule(this.#modulePath);
  }

  /** The certificate of a role: the one that is there, or a new one over the role's key. */
  async #certify(module: KeyModule, role: Role, root?: Certificate): Promise<Certificate> {
    const spki = this.#makeKey(module, role);
    const path = this.#certificatePath(role);
    if (existsSync(path)) {
      const [der] = decodePem('CERTIFICATE', readFileSync(path, 'utf8'));
      if (der === undefined) throw new KeyFault(`${path} holds no certificate`, 'never');
      return parseCertificate(der);
    }
    const facts = this.#facts(role, spki, root);
    const tbs = renderCaTbs(facts);
    const signerSpki = root === undefined ? spki : root.tbs.spki;
    const signature = await this.#sign(module, issuerOf(role), signerSpki, tbs);
    const certificate = parseCertificate(assembleCertificate(tbs, ALGORITHM, signature));
    const faults = caFaults(certificate, facts);
    if (!isSignedBy(certificate, root ?? certificate)) faults.push('its signature does not verify');
    if (faults.length > 0)
      throw new KeyFault(`the ${role} certificate is not as it should be: ${faults.join('; ')}`, 'never');
    writeOnce(path, encodePem('CERTIFICATE', certificate.der), 0o644);
    this.#say(`Signed ${ROLES[role].name}: ${path} (SHA-256 ${certificateSha256(certificate.der)})`);
    return certificate;
  }

  async #publishCrl(module: KeyModule, role: Role, root: Certificate): Promise<void> {
    if (existsSync(this.#crlPath(role))) return;
    const tbs = firstRootCrlTbs(root, ALGORITHM, this.#now);
    writeOnce(this.#crlPath(role), assembleCrl(tbs, ALGORITHM, await this.#sign(module, role, root.tbs.spki, tbs)), 0o644);
    this.#say(`Signed the CRL of ${ROLES[role].name}: ${this.#crlPath(role)}`);
  }

  #facts(role: Role, spki: Uint8Array, root: Certificate | undefined): CaFacts {
    const subject = encodeName([{ attribute: 'commonName', value: ROLES[role].name }]);
    const keyId = keyIdOf(spki);
    const serial = randomBytes(16);
    serial[0] = ((serial[0] as number) & 0x3f) | 0x40; // positive, and of one length
    const own = { subject, keyId, algorithm: ALGORITHM } as const;
    const common = { serial: serial.toString('hex'), subject, spki, keyId, notBefore: this.#now } as const;
    const notAfter = notAfterOf(this.#now, ROLES[role].validity);
    if (root === undefined) return { kind: 'root', ...common, issuer: own, notAfter };
    const issuer = { subject: root.tbs.subject, keyId: keyIdOf(root.tbs.spki), algorithm: ALGORITHM } as const;
    // No CRL distribution point: a development root revokes nothing, it is thrown away.
    return { kind: 'intermediate', ...common, issuer, pathLength: 0, notAfter: Math.min(notAfter, root.tbs.notAfter) };
  }

  /** @returns the public key of the role's key, which this makes unless it is there */
  #makeKey(module: KeyModule, role: Role): Uint8Array {
    const token = tokenOf(role);
    const officerPin = this.#pin(`${role}.officer`);
    const userPin = this.#pin(role);
    module.initialise();
    if (makeToken(module, token, officerPin, userPin)) this.#say(`Made the token ${token}`);
    module.initialise();
    using bench = new Workbench(module, token, userPin);
    const found = bench.publicKey(token, 'p-256');
    if (found !== undefined) return found;
    const spki = bench.generate(token, KEY_ID, 'p-256');
    this.#say(`Made a P-256 key in the token ${token}`);
    return spki;
  }

  /** The server has its certificate made, and renewed, by itself; what it needs from here is the key. */
  #makeResponderKey(module: KeyModule, role: keyof typeof RESPONDERS): void {
    module.initialise();
    using bench = new Workbench(module, tokenOf(role), this.#pin(role));
    const label = `chancery-${RESPONDERS[role]}`;
    const found = bench.publicKey(label, 'p-256');
    writeOnce(this.#responderPath(role), encodePem('PUBLIC KEY', found ?? bench.generate(label, RESPONDER_ID, 'p-256')), 0o644);
    if (found === undefined) this.#say(`Made a P-256 key for the OCSP responder in the token ${tokenOf(role)}`);
  }

  /** Always by a root. Goes the way of the signing process: the same checks of the key, the same mechanism. */
  async #sign(module: KeyModule, root: Role, spki: Uint8Array, tbs: Uint8Array): Promise<Uint8Array> {
    const label = tokenOf(root);
    const uri = { token: label, object: label, id: KEY_ID.toString('hex'), pinFile: this.#pinPath(root) };
    const refused = new RefusedPins(join(this.#state, 'pins', 'refused.json'));
    module.initialise();
    const token = new Token(module, [{ id: 'root', uri, spki, algorithm: ALGORITHM }], 1, refused);
    const [lane] = token.lanes;
    if (lane === undefined) throw new KeyFault('the root token gave no session', 'initialise');
    return lane.sign(token.handle('root'), MECHANISMS[ALGORITHM], tbs);
  }

  #pin(name: string): string {
    const digits = Array.from({ length: 16 }, () => randomInt(10)).join('');
    writeOnce(this.#pinPath(name), `${digits}\n`, 0o600);
    return readPin(this.#pinPath(name));
  }

  #pinPath(name: string): string {
    return join(this.#state, 'pins', `${name}.pin`);
  }

  #responderPath(role: keyof typeof RESPONDERS): string {
    return join(this.#state, 'public', `${RESPONDERS[role]}.pem`);
  }

  #crlPath(role: Role): string {
    return join(this.#state, 'public', `${role}.crl`);
  }

  #certificatePath(role: Role): string {
    return join(this.#state, 'public', `${role}.pem`);
  }
}

/** The file appears whole or not at all, and one that is there stays as it is, even if it appears at this moment. */
function writeOnce(path: string, content: string | Uint8Array, mode: number): void {
  if (existsSync(path)) return;
  mkdirSync(dirname(path), { recursive: true, mode: mode === 0o600 ? 0o700 : 0o755 });
  const draft = `${path}.draft`;
  writeFileSync(draft, content, { mode, flush: true });
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    unlinkSync(draft);
  }
}

if (import.meta.main) {
  try {
    const { values } = parseArgs({ options: { state: { type: 'string' }, module: { type: 'string' } } });
    if (values.state === undefined)
      throw new KeyFault('usage: node ceremony/development.ts --state DIR [--module PATH]', 'never');
    const module = values.module === undefined ? {} : { module: values.module };
    await developmentCeremony({ state: values.state, ...module, say: (line) => console.log(line) });
  } catch (error) {
    console.error(`The development ceremony failed: ${(error as Error).message}`);
    process.exitCode = 2;
  }
}
