/** A signer with a token of its own behind the shim, for tests of signing/ and for measurements. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/clock.ts';
import { MECHANISMS } from '../../src/keys/mechanisms.ts';
import { KeyModule } from '../../src/keys/module.ts';
import { RefusedPins } from '../../src/keys/pin.ts';
import { type KeyKind, makeToken, Workbench } from '../../src/keys/provision.ts';
import { Token } from '../../src/keys/token.ts';
import { parseKeyUri } from '../../src/keys/uri.ts';
import { connectSigner, type Signer, type SignerOptions, type SignerState } from '../../src/signing/client.ts';
import { type Supervisor, type SupervisorEvents, runSupervisor } from '../../src/signing/supervisor.ts';
import type { SignerConfig } from '../../src/signing/worker.ts';
import type { SignatureAlgorithm } from '../../src/x509/algorithm.ts';
import { renderCaTbs } from '../../src/x509/ca-certificate.ts';
import { assembleCertificate } from '../../src/x509/certificate.ts';
import { encodeName } from '../../src/x509/distinguished-name.ts';
import { keyIdOf } from '../../src/x509/public-key.ts';
import { composeSerial } from '../../src/x509/serial.ts';
import type { CertificateShape, IssuerShape, TbsFacts } from '../../src/x509/shape.ts';
import { notAfterOf, renderTbs } from '../../src/x509/tbs.ts';
import { Shim } from './pkcs11-shim.ts';
import { type SignerFile, signerConfigOf } from './signer-process.ts';

export const SOFTHSM = '/usr/lib/softhsm/libsofthsm2.so';
const PROCESS = fileURLToPath(new URL('signer-process.ts', import.meta.url));
const HOUR = 3_600_000;
export const PIN = '60311247';

export const SERVER_SHAPE: CertificateShape = {
  profile: 'server',
  keyUsage: ['digitalSignature'],
  rsaKeyUsage: ['keyEncipherment'],
  extendedKeyUsage: ['serverAuth'],
  nameTypes: ['dns', 'ip'],
  maxNames: 100,
  spiffe: false,
  subject: [],
  validityMs: 160 * HOUR,
  maxValidityMs: 160 * HOUR,
  backdateMs: HOUR,
};

export interface KeyWish {
  readonly id: string;
  readonly kind: KeyKind;
  readonly algorithm: SignatureAlgorithm;
}
export const P256: KeyWish = { id: 'test-1', kind: 'p-256', algorithm: 'ecdsa-sha256-p256' };

/** A directory with a token `test`, its PIN file, and a CA certificate for each key. */
export interface MadeToken {
  readonly directory: string;
  readonly keys: SignerFile['keys'];
}

/** Points SoftHSM in this process, and in those that it starts, at the tokens in a directory. */
export function useTokens(directory: string): void {
  mkdirSync(join(directory, 'tokens'), { recursive: true });
  const conf = join(directory, 'softhsm2.conf');
  writeFileSync(conf, `directories.tokendir = ${directory}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n`);
  process.env['SOFTHSM2_CONF'] = conf;
}

export async function makeTestToken(directory: string, wishes: readonly KeyWish[]): Promise<MadeToken> {
  useTokens(directory);
  writeFileSync(join(directory, 'pin'), `${PIN}\n`, { mode: 0o600 });
  const module = new KeyModule(SOFTHSM);
  module.initialise();
  makeToken(module, 'test', '12345678', PIN);
  module.initialise();
  const spkis = new Map<string, Uint8Array>();
  {
    using bench = new Workbench(module, 'test', PIN);
    for (const [index, { kind }] of wishes.entries()) {
      if (!spkis.has(kind)) spkis.set(kind, bench.generate(kind, Buffer.of(index + 1), kind));
    }
  }
  const keys: SignerFile['keys'][number][] = [];
  for (const { id, kind, algorithm } of wishes) {
    const uri = `pkcs11:token=test;object=${kind}?pin-source=${join(directory, 'pin')}`;
    const spki = spkis.get(kind) as Uint8Array;
    module.initialise();
    const wanted = { id, uri: parseKeyUri(uri), spki, algorithm };
    const token = new Token(module, [wanted], 1, new RefusedPins(join(directory, 'refused-while-made')));
    const subject = encodeName([{ attribute: 'commonName', value: `Test CA ${id}` }]);
    const now = Math.floor(Date.now() / 1000) * 1000;
    const tbs = renderCaTbs({
      kind: 'root',
      serial: `40${randomBytes(15).toString('hex')}`,
      issuer: { subject, keyId: keyIdOf(spki), algorithm },
      subject,
      spki,
      keyId: keyIdOf(spki),
      notBefore: now - 24 * HOUR,
      notAfter: now + 1000 * 24 * HOUR,
    });
    const signature = await (token.lanes[0] as (typeof token.lanes)[number]).sign(
      token.handle(id),
      MECHANISMS[algorithm],
      tbs,
    );
    const certificate = Buffer.from(assembleCertificate(tbs, algorithm, signature)).toString('base64');
    keys.push({ id, certificate, algorithm, uri, profiles: [SERVER_SHAPE], ratePerSecond: 100_000 });
  }
  module.finalise();
  return { directory, keys };
}

let template: Promise<MadeToken> | undefined;

/** A copy of a token with one P-256 key, which is made once per test file. */
async function copyOfToken(directory: string): Promise<SignerFile['keys']> {
  template ??= makeTestToken(mkdtempSync(join(tmpdir(), 'chancery-token-')), [P256]);
  const made = await template;
  cpSync(made.directory, directory, { recursive: true });
  useTokens(directory);
  return made.keys.map((key) => ({ ...key, uri: key.uri.replace(made.directory, directory) }));
}

process.on('exit', () => {
  void template?.then(({ directory }) => rmSync(directory, { recursive: true, force: true }));
});

export interface TestSignerOptions extends Partial<Omit<SignerConfig, 'keys'>> {
  readonly keys?: (keys: SignerFile['keys']) => SignerFile['keys'];
  readonly token?: (directory: string) => Promise<SignerFile['keys']>;
  /** Start no process: the test does. */
  readonly started?: false;
}

/** Everything below one temporary directory, which goes with it. */
export class TestSigner implements AsyncDisposable {
  readonly directory: string;
  readonly file: SignerFile;
  readonly shim: Shim;
  readonly issuer: IssuerShape;
  /** What the supervisor said: `state ready`, `killed …`, `ended …`. */
  readonly said: string[] = [];
  supervisor: Supervisor | undefined;
  readonly #clients: Signer[] = [];

  private constructor(directory: string, file: SignerFile, shim: Shim) {
    this.directory = directory;
    this.file = file;
    this.shim = shim;
    this.issuer = (signerConfigOf(file).keys[0] as SignerConfig['keys'][number]).issuer;
    writeFileSync(this.configPath, JSON.stringify(file));
  }

  static async open(options: TestSignerOptions = {}): Promise<TestSigner> {
    const directory = mkdtempSync(join(tmpdir(), 'chancery-signer-'));
    const { keys: edit = (keys) => keys, token = copyOfToken, started = true, ...rest } = options;
    const shim = new Shim(directory, SOFTHSM);
    const keys = edit(await token(directory));
    const own = { id: 7, configuration: 'of the test', stateDirectory: join(directory, 'state'), socket: join(directory, 'signer.sock') };
    const file = { ...own, module: shim.modulePath, lanes: 2, callDeadlineMs: 1000, ...rest, keys };
    const signer = new TestSigner(directory, file, shim);
    if (started) await signer.start();
    return signer;
  }

  get configPath(): string {
    return join(this.directory, 'signer.json');
  }
  get journalDirectory(): string {
    return join(this.file.stateDirectory, 'journal');
  }
  get environment(): NodeJS.ProcessEnv {
    return { ...process.env, ...this.shim.environment, NODE_NO_WARNINGS: '1' };
  }

  /** Arguments for Node.js that run this signer's supervisor or worker. */
  argv(role: 'worker' | 'supervisor'): string[] {
    return [PROCESS, role, this.configPath];
  }

  async start(events: SupervisorEvents = {}): Promise<void> {
    const { stateDirectory, lanes = 2, callDeadlineMs = 1000 } = this.file;
    this.supervisor = await runSupervisor({
      workerArgv: this.argv('worker'),
      stateDirectory,
      lanes,
      callDeadlineMs,
      environment: this.environment,
      events: {
        state: (state, why) => this.said.push(why === undefined ? `state ${state}` : `state ${state}: ${why}`),
        killed: (why) => this.said.push(`killed: ${why}`),
        ended: (why) => this.said.push(`ended: ${why}`),
        ...events,
      },
    });
  }

  /** A client whose database holds `highest`, 0 unless a test says otherwise. */
  connect(options: Partial<SignerOptions> = {}): Signer {
    const { socket } = this.file;
    const client = connectSigner({ socket, clock: systemClock, highestReceipt: async () => 0, ...options });
    this.#clients.push(client);
    return client;
  }

  async ready(): Promise<void> {
    await until(
      () => this.supervisor?.state === 'ready',
      () => `the signer is not ready: ${this.said.join(' | ')}`,
    );
  }

  /** The TBS of a certificate that may be signed, but for what the test changes. */
  tbs(change: Partial<TbsFacts> = {}, shape: CertificateShape = SERVER_SHAPE, issuer = this.issuer): Uint8Array {
    return renderTbs(shape, issuer, this.facts(change));
  }

  facts(change: Partial<TbsFacts> = {}): TbsFacts {
    const notBefore = change.notBefore ?? Math.floor(Date.now() / 1000) * 1000 - 60_000;
    const notAfter = change.notAfter ?? notAfterOf(notBefore, SERVER_SHAPE.validityMs);
    const serial = composeSerial(this.file.id, notBefore, notAfter, randomBytes(12));
    const names = [{ type: 'dns', value: 'www.example.test' }] as const;
    return { serial, notBefore, notAfter, spki: SUBJECT_KEY, names, subject: [], shard: 1, ...change };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) await client[Symbol.asyncDispose]();
    this.shim.calm();
    await this.supervisor?.[Symbol.asyncDispose]();
    this.shim[Symbol.dispose]();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** A key pair that nobody holds any more. */
export const freshSpki = (): Uint8Array =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'der', type: 'spki' });
const SUBJECT_KEY = freshSpki();

export const job = (tbs: Uint8Array, change: object = {}) => ({
  purpose: 'certificate' as const,
  issuerKey: 'test-1',
  intent: `intent-${randomBytes(4).toString('hex')}`,
  profile: 'server',
  tbs,
  deadline: Date.now() + 10_000,
  ...change,
});

/** @returns when the condition holds @throws Error with what `otherwise` says after `patience` ms */
export async function until(holds: () => boolean, otherwise: () => string, patience = 8000): Promise<void> {
  for (const end = performance.now() + patience; !holds(); await pause(10)) {
    if (performance.now() > end) throw new Error(otherwise());
  }
}

export const clientState = async (client: Signer, wanted: SignerState): Promise<void> =>
  until(
    () => client.state() === wanted,
    () => `the client is ${client.state()}, not ${wanted}`,
  );
