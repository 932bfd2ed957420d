/**
 * The path to a signature, inside the signer. The order is the point:
 *   1 may it be asked now?      deadline, key, fence, keys in working order
 *   2 was it asked before?      a serial has one core and one line, for good
 *   3 may it be signed?         re-check, lints, rate ceiling
 *   4 write the line            durable before the key is used (I1)
 *   5 sign, verify, tell
 * A killed signer forgets nothing that matters: the line is there or it is not, and `recover` tells which.
 */
import type { Clock } from '../clock.ts';
import { readSerial } from '../x509/serial.ts';
import { CrlNumbers, readCrlSerial } from './crl-numbers.ts';
import { type Appended, type Journal, JournalFault, type JournalLine } from './journal.ts';
import { NOTHING } from './journal-line.ts';
import type {
  Purpose,
  Receipt,
  RecoveryAsk,
  RecoveryOutcome,
  SigningJob,
  SigningOutcome,
  Unavailable,
} from './protocol.ts';
import { OcspDesk } from './ocsp-desk.ts';
import { RateCeiling } from './rate.ts';
import {
  type CertificateUnderCheck,
  type CrlUnderCheck,
  readCertificate,
  readCrl,
  recheckCertificate,
  recheckCrl,
  SLACK_MS,
} from './recheck.ts';
import { recoveryFault } from './recovery.ts';
import { SerialMemory } from './serial-memory.ts';
import type { SignerConfig, SignerKey } from './config.ts';
import type { SigningKeys } from './signing-keys.ts';
import type { Standing } from './standing.ts';

/** Where a test may stop the process. */
export type Point = 'before-journal' | 'after-journal' | 'before-sign' | 'after-sign' | 'ocsp-journaled' | 'ocsp-signed';

export interface DeskOptions {
  readonly config: SignerConfig;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly standing: Standing;
  readonly keys: Pick<SigningKeys, 'sign' | 'why' | 'whenReady'>;
  readonly crlNumbers: CrlNumbers;
  /** The journal failed: nothing more can be signed by this process. */
  readonly onBroken: (fault: JournalFault) => void;
  readonly onRefused?: (job: SigningJob, reasons: readonly string[]) => void;
  readonly at?: (point: Point) => Promise<void> | void;
}

interface InFlight {
  readonly core: string;
  readonly tbs: Uint8Array;
  readonly outcome: Promise<SigningOutcome>;
}

interface Issuing {
  readonly key: SignerKey;
  readonly ceiling: RateCeiling;
}

export class Desk {
  readonly #options: DeskOptions;
  readonly #issuing: ReadonlyMap<string, Issuing>;
  readonly #caKeys: ReadonlySet<string>;
  readonly #responderKeys: ReadonlySet<string>;
  readonly #ocsp: OcspDesk;
  readonly #memory: SerialMemory;
  readonly #window: number;
  readonly #closings: RateCeiling;
  readonly #inFlight = new Map<string, InFlight>();
  /** Recoveries under way: whether a serial is signed or closed. Never reject. */
  readonly #deciding = new Map<string, Promise<void>>();
  readonly #most: number;
  #open = 0;

  constructor(options: DeskOptions) {
    const { config, clock, journal } = options;
    this.#options = options;
    this.#issuing = new Map(
      config.keys.map((key) => [key.issuer.id, { key, ceiling: new RateCeiling(key.ratePerSecond, clock) }]),
    );
    this.#caKeys = new Set(config.keys.map(({ issuer }) => Buffer.from(issuer.spki).toString('hex')));
    this.#responderKeys = new Set(config.keys.flatMap(({ responder }) => (responder === undefined ? [] : [Buffer.from(responder.spki).toString('hex')])));
    this.#ocsp = new OcspDesk(options);
    this.#most = config.queue ?? 1024;
    this.#closings = new RateCeiling(CLOSINGS_PER_SECOND, clock);
    this.#window = windowOf(config);
    // Where the clock is ahead now, the last line was perhaps written when it was right.
    const since = Math.min(clock.now(), journal.time ?? Number.POSITIVE_INFINITY) - this.#window;
    this.#memory = new SerialMemory(this.#window, since);
    for (const { line, position } of journal.recent(since)) this.#remember(line, { position, time: line.time });
  }

  /** Never rejects. */
  async sign(job: SigningJob): Promise<SigningOutcome> {
    const isOcsp = job.purpose === 'ocsp'; // counted and bounded apart, so that no flood of it keeps certificates waiting
    if (!isOcsp && this.#open >= this.#most) return unavailable('too many requests wait in the signer');
    if (!isOcsp) this.#open += 1;
    try {
      const outcome = await (isOcsp ? this.#ocsp.sign(job) : this.#sign(job));
      if (outcome.kind === 'refused') this.#options.onRefused?.(job, outcome.reasons);
      return outcome;
    } catch (error) {
      return this.#failed(error);
    } finally {
      if (!isOcsp) this.#open -= 1;
    }
  }

  async #sign(job: SigningJob): Promise<SigningOutcome> {
    const { clock, keys, standing } = this.#options;
    const late = () => job.deadline <= clock.now();
    // 1
    if (late()) return unavailable('the deadline has passed');
    const issuing = this.#issuing.get(job.issuerKey);
    if (issuing === undefined) return refused(`there is no issuer key ${job.issuerKey}`);
    if (job.purpose !== 'certificate' && job.purpose !== 'crl') {
      return refused(`no key of this signer is for the purpose ${job.purpose}`);
    }
    if (job.purpose === 'certificate' && standing.fence !== undefined) return unavailable(`fenced: ${standing.fence}`);
    const read = job.purpose === 'certificate' ? readCertificate(job.tbs) : readCrl(job.tbs, issuing.key);
    if (!('core' in read)) return { kind: 'refused', reasons: read };
    await keys.whenReady(job.deadline);
    if (keys.why !== undefined) return unavailable(keys.why);
    if (late()) return unavailable('the deadline has passed');
    // 2
    const deciding = this.#deciding.get(mark(job.purpose, job.issuerKey, read.serial));
    if (deciding !== undefined) {
      await deciding;
      return this.#sign(job);
    }
    const before = this.#askedBefore(job, read.serial, read.core);
    if (before !== undefined) return before;
    // 3
    const reasons = this.#recheck(job, issuing.key, read);
    if (reasons.length > 0) return { kind: 'refused', reasons };
    if ('tbs' in read && !this.#remembers(read.tbs.notBefore)) {
      throw new JournalFault('the clock was set back: what was signed at the time that it now shows must be read again');
    }
    const wait = job.purpose === 'certificate' ? issuing.ceiling.take() : 0;
    if (wait > 0) return { ...unavailable(`the rate ceiling of ${job.issuerKey} is reached`), retryAfterMs: wait };
    // 4 and 5
    return this.#track(job.purpose, job.issuerKey, read.serial, read.core, job.tbs, () => this.#commit(job, read));
  }

  #recheck(job: SigningJob, key: SignerKey, read: CertificateUnderCheck | CrlUnderCheck): readonly string[] {
    const { clock, standing, crlNumbers } = this.#options;
    if ('tbs' in read) {
      const rules = { signer: standing.signer, key, profile: job.profile, caKeys: this.#caKeys, responderKeys: this.#responderKeys, clock };
      return recheckCertificate(read, rules);
    }
    return recheckCrl(read, key, crlNumbers.last(job.issuerKey, read.shard), clock);
  }

  async #commit(job: SigningJob, { serial, core }: { serial: string; core: string }): Promise<SigningOutcome> {
    const { journal, at } = this.#options;
    const { purpose, issuerKey, intent, profile, tbs } = job;
    await at?.('before-journal');
    const entry = { purpose, issuerKey, serial, core, intent, ...(profile === undefined ? {} : { profile }), tbs };
    const { seq, head } = await journal.append(entry, (place) => this.#remember(entry, place));
    await at?.('after-journal');
    return this.#signLine({ issuerKey, serial, tbs, seq, head }, job.deadline);
  }

  async #signLine(
    line: Pick<JournalLine, 'issuerKey' | 'serial' | 'tbs' | 'seq' | 'head'>,
    deadline: number,
  ): Promise<SigningOutcome> {
    const { keys, at } = this.#options;
    await at?.('before-sign');
    const signature = await keys.sign(line.issuerKey, line.tbs, deadline);
    await at?.('after-sign');
    return { kind: 'signed', signature, receipt: this.#receipt(line) };
  }

  /** The answer when this serial is known: the same core gets its signature again, from the line that is there. */
  #askedBefore(job: SigningJob, serial: string, core: string): Promise<SigningOutcome> | SigningOutcome | undefined {
    const { purpose, issuerKey } = job;
    const other = refused(`the serial ${serial} was used for something else`);
    const inFlight = this.#inFlight.get(mark(purpose, issuerKey, serial));
    if (inFlight !== undefined) {
      if (inFlight.core !== core || !same(inFlight.tbs, job.tbs)) return other;
      // The one before may have had less time than this one.
      return inFlight.outcome.then((outcome) => (outcome.kind === 'unavailable' ? this.#sign(job) : outcome));
    }
    const line = this.#line(purpose, issuerKey, serial);
    if (line === undefined) return undefined;
    if (line.purpose === 'tombstone') return refused(`the serial ${serial} was closed: it was found not to be signed`);
    // A fingerprint shared by chance also ends here; see serial-memory.ts.
    if (line.serial !== serial || line.core !== core || !same(line.tbs, job.tbs)) return other;
    return this.#track(purpose, issuerKey, serial, core, job.tbs, () => this.#signLine(line, job.deadline));
  }

  /** Never rejects. Afterwards the serial is decided for good. */
  async recover(ask: RecoveryAsk): Promise<RecoveryOutcome> {
    if (this.#open >= this.#most) return unavailable('too many requests wait in the signer');
    this.#open += 1;
    try {
      return await this.#recover(ask);
    } catch (error) {
      return this.#failed(error);
    } finally {
      this.#open -= 1;
    }
  }

  async #recover(ask: RecoveryAsk): Promise<RecoveryOutcome> {
    const { clock, standing, crlNumbers } = this.#options;
    const rules = { key: this.#issuing.get(ask.issuerKey)?.key, standing, crlNumbers, clock };
    const fault = recoveryFault(ask, rules);
    if (fault !== undefined) return unavailable(fault);
    const name = mark(ask.purpose, ask.issuerKey, ask.serial);
    const other = this.#deciding.get(name);
    if (other !== undefined) {
      await other;
      return this.#recover(ask);
    }
    // Whoever asks for this serial meanwhile, to sign or to recover, waits for the decision.
    const decision = this.#decide(ask, name).finally(() => this.#deciding.delete(name));
    this.#deciding.set(name, decision.then(nothing, nothing));
    return decision;
  }

  /** Whether every line under a serial with this notBefore is in memory. */
  #remembers(notBefore: number): boolean {
    return notBefore - SLACK_MS >= this.#memory.since;
  }

  /** The line of a serial that is not in memory, in the only place where it can be. */
  async #search({ purpose, issuerKey, serial }: RecoveryAsk, isIt: IsIt): Promise<JournalLine | undefined> {
    const { journal, crlNumbers } = this.#options;
    if (purpose === 'certificate') {
      const { notBefore = 0 } = readSerial(serial) ?? {};
      if (this.#remembers(notBefore)) return undefined;
      // A line is written only while the signer's clock admits that notBefore.
      return journal.find(serial, isIt, notBefore - SLACK_MS, Math.min(notBefore + this.#window, this.#memory.since));
    }
    const { shard = 0, number = 0n } = readCrlSerial(serial) ?? {};
    if (number > crlNumbers.last(issuerKey, shard)) return undefined;
    return journal.findAfter(serial, isIt, ({ note }) => CrlNumbers.noted(note, issuerKey, shard) < number);
  }

  async #decide(ask: RecoveryAsk, name: string): Promise<RecoveryOutcome> {
    const { purpose, issuerKey, serial, intent } = ask;
    const { clock, journal } = this.#options;
    await this.#inFlight.get(name)?.outcome;
    const isIt: IsIt = (line) =>
      line.serial === serial && line.issuerKey === issuerKey && (line.closes ?? line.purpose) === purpose;
    let line = this.#line(purpose, issuerKey, serial);
    if (line === undefined) {
      const wait = this.#closings.take();
      if (wait > 0) return { ...unavailable('too many serials are asked for that are not known'), retryAfterMs: wait };
      line = await this.#search(ask, isIt);
    }
    if (line === undefined) {
      const entry = {
        purpose: 'tombstone',
        closes: purpose,
        issuerKey,
        serial,
        core: '',
        intent,
        tbs: NOTHING,
      } as const;
      const { seq, head } = await journal.append(entry, (place) => this.#remember(entry, place));
      return { kind: 'not-signed', receipt: this.#receipt({ serial, seq, head }) };
    }
    if (!isIt(line)) return unavailable('the serial shares its fingerprint with another one');
    if (line.purpose === 'tombstone') return { kind: 'not-signed', receipt: this.#receipt(line) };
    // Only as long as the front waits for this answer; it asks again.
    const again = () => this.#signLine(line, clock.now() + 10_000);
    const outcome = await this.#track(purpose, issuerKey, serial, line.core, line.tbs, again);
    if (outcome.kind === 'signed') return { ...outcome, tbs: line.tbs };
    return outcome.kind === 'unavailable' ? outcome : unavailable('the key cannot be used');
  }

  #line(purpose: Purpose, issuerKey: string, serial: string): JournalLine | undefined {
    const position = this.#memory.find(purpose, issuerKey, serial);
    return position === undefined ? undefined : this.#options.journal.read(position);
  }

  /** Whoever asks for the same while it is being made gets the same answer. */
  async #track(
    purpose: Purpose,
    issuerKey: string,
    serial: string,
    core: string,
    tbs: Uint8Array,
    work: () => Promise<SigningOutcome>,
  ): Promise<SigningOutcome> {
    const name = mark(purpose, issuerKey, serial);
    const outcome = work()
      .catch((error: unknown) => this.#failed(error))
      .finally(() => this.#inFlight.delete(name));
    this.#inFlight.set(name, { core, tbs, outcome });
    return outcome;
  }

  #remember(line: Remembered, { position, time }: Pick<Appended, 'position' | 'time'>): void {
    const { purpose, closes, issuerKey, serial } = line;
    this.#options.crlNumbers.take(line);
    const used = purpose === 'tombstone' ? closes : purpose;
    if (used !== undefined && serial !== '') this.#memory.add(used as Purpose, issuerKey, serial, position, time);
  }

  /** A certificate's line is of the id in its serial, which may be a former one. */
  #receipt({ serial, seq, head }: Pick<JournalLine, 'serial' | 'seq' | 'head'>): Receipt {
    return { signer: readSerial(serial)?.signerId ?? this.#options.standing.signer, sequence: seq, head };
  }

  #failed(error: unknown): Unavailable {
    if (error instanceof JournalFault) this.#options.onBroken(error);
    return unavailable((error as Error).message);
  }
}

type IsIt = (line: JournalLine) => boolean;

/** Unknown serials that recovery closes, beside twice as many at once. */
const CLOSINGS_PER_SECOND = 200;

type Remembered = Pick<JournalLine, 'purpose' | 'closes' | 'issuerKey' | 'serial' | 'note'>;

/** How long a line must be remembered: as long as its notBefore would be accepted again, and a while. */
const windowOf = ({ keys }: SignerConfig): number =>
  Math.max(0, ...keys.flatMap(({ profiles }) => profiles.map(({ backdateMs }) => backdateMs))) + 3 * SLACK_MS;

const mark = (purpose: Purpose, issuerKey: string, serial: string) => `${purpose}\n${issuerKey}\n${serial}`;

const nothing = () => {};

const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

const refused = (reason: string): SigningOutcome => ({ kind: 'refused', reasons: [reason] });

const unavailable = (why: string): Unavailable => ({ kind: 'unavailable', why, retryAfterMs: 1000 });
