/** The signer's desk without processes: a journal on disk, a key in memory, and a clock that the test sets. */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CrlNumbers } from '../../src/signing/crl-numbers.ts';
import { Desk } from '../../src/signing/desk.ts';
import { Journal, type JournalFault, type JournalLine, readJournal } from '../../src/signing/journal.ts';
import type { RecoveryAsk, SigningJob } from '../../src/signing/protocol.ts';
import { Standing } from '../../src/signing/standing.ts';
import { renderCrlTbs } from '../../src/x509/crl.ts';
import { encodeName } from '../../src/x509/distinguished-name.ts';
import { keyIdOf } from '../../src/x509/public-key.ts';
import { composeSerial } from '../../src/x509/serial.ts';
import type { CertificateShape, IssuerShape, TbsFacts } from '../../src/x509/shape.ts';
import { notAfterOf, renderTbs } from '../../src/x509/tbs.ts';
import { freshSpki, SERVER_SHAPE } from './signer.ts';

export const HOUR = 3_600_000;

export const RESPONDER_SHAPE: CertificateShape = {
  ...SERVER_SHAPE, profile: 'ocsp-responder', extendedKeyUsage: ['ocspSigning'], nameTypes: [], subject: ['commonName'], validityMs: 30 * 24 * HOUR,
  maxValidityMs: 30 * 24 * HOUR,
};
const caKey = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const responderKey = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const SUBJECT_KEY = freshSpki();

export class TestDesk implements AsyncDisposable {
  /** When the test began, a whole second. */
  readonly start = Math.floor(Date.now() / 1000) * 1000;
  now = this.start;
  desk: Desk;
  journal: Journal;
  standing: Standing;
  broken: JournalFault | undefined;
  readonly issuer: IssuerShape;
  /** SPKI of the OCSP responder's key. */
  readonly responder: Uint8Array = responderKey.publicKey.export({ type: 'spki', format: 'der' });
  /** What a signature waits for, if a test makes it wait. */
  signing: Promise<void> | undefined;
  readonly #directory = mkdtempSync(join(tmpdir(), 'chancery-desk-'));
  readonly #fileBytes: number;

  /** @param fileBytes by default a few lines to a file */
  constructor(fileBytes = 4096) {
    this.#fileBytes = fileBytes;
    const spki = caKey.publicKey.export({ type: 'spki', format: 'der' });
    this.issuer = {
      id: 'test-1',
      subject: encodeName([{ attribute: 'commonName', value: 'Test CA' }]),
      spki,
      keyId: keyIdOf(spki),
      algorithm: 'ecdsa-sha256-p256',
      notBefore: this.start - 24 * HOUR,
      notAfter: this.start + 1000 * 24 * HOUR,
      shards: 4,
      crlUrl: 'http://crl.test/ca',
      caIssuersUrl: 'http://crl.test/ca.cer',
    };
    ({ desk: this.desk, journal: this.journal, standing: this.standing } = this.#open());
  }

  #open() {
    const clock = { now: () => this.now };
    const standing = new Standing(this.#directory, 7);
    const crlNumbers = new CrlNumbers();
    const journal = new Journal({
      directory: join(this.#directory, 'journal'),
      clock,
      fileBytes: this.#fileBytes,
      remember: () => crlNumbers.note(),
    });
    const keys = {
      why: undefined,
      async whenReady() {},
      sign: async (id: string, tbs: Uint8Array) => {
        await this.signing;
        return sign('sha256', tbs, (id === 'ocsp:test-1' ? responderKey : caKey).privateKey);
      },
    };
    const desk = new Desk({
      config: {
        id: 7,
        configuration: 'c0',
        stateDirectory: this.#directory,
        socket: '',
        keys: [{
          issuer: this.issuer, uri: '', profiles: [SERVER_SHAPE, RESPONDER_SHAPE], ratePerSecond: 1_000_000,
          responder: { uri: '', spki: this.responder, algorithm: 'ecdsa-sha256-p256', ratePerSecond: 1_000_000 },
        }],
      },
      clock,
      journal,
      standing,
      keys,
      crlNumbers,
      onBroken: (fault) => {
        this.broken = fault;
      },
    });
    return { desk, journal, standing };
  }

  /** As when the worker is started again. */
  async restart(): Promise<void> {
    await this.journal.close();
    this.broken = undefined;
    Object.assign(this, this.#open());
  }

  lines(): readonly JournalLine[] {
    return [...readJournal(join(this.#directory, 'journal'))];
  }

  facts(change: Partial<TbsFacts> = {}): TbsFacts {
    const { notBefore = this.now - 60_000 } = change;
    const { notAfter = notAfterOf(notBefore, SERVER_SHAPE.validityMs) } = change;
    const serial = composeSerial(7, notBefore, notAfter, randomBytes(12));
    const names = [{ type: 'dns', value: 'www.example.test' }] as const;
    return { serial, notBefore, notAfter, spki: SUBJECT_KEY, names, subject: [], shard: 1, ...change };
  }

  certificate(facts: TbsFacts = this.facts()): SigningJob {
    return this.#job('certificate', renderTbs(SERVER_SHAPE, this.issuer, facts));
  }

  crl(number: bigint, shard = 1): SigningJob {
    const times = { thisUpdate: this.now, nextUpdate: this.now + 48 * HOUR };
    return this.#job('crl', renderCrlTbs(this.issuer, { shard, number, ...times, entries: new Uint8Array(0) }));
  }

  recovery(serial: string, purpose: RecoveryAsk['purpose'] = 'certificate', issuerKey = 'test-1'): RecoveryAsk {
    return { purpose, issuerKey, serial, intent: 'i' };
  }

  /** Enough lines for the next to stand in another file. */
  async fill(): Promise<void> {
    for (let index = 0; index < 6; index++) await this.desk.sign(this.certificate());
  }

  #job(purpose: 'certificate' | 'crl', tbs: Uint8Array): SigningJob {
    const profile = purpose === 'certificate' ? { profile: 'server' } : {};
    return { purpose, issuerKey: 'test-1', intent: 'i', ...profile, tbs, deadline: this.now + 10_000 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.journal.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
