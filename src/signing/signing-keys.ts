/**
 * The keys in use. Hands jobs to lanes, verifies each signature before anybody sees it, and does what an error asks for:
 * another session, another login, or everything anew. While there is no working key, jobs wait until their deadline.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import { asKeyFault, KeyFault } from '../keys/errors.ts';
import type { Lane } from '../keys/lane.ts';
import { MECHANISMS } from '../keys/mechanisms.ts';
import { KeyModule } from '../keys/module.ts';
import type { RefusedPins } from '../keys/pin.ts';
import { byToken, Token, type WantedKey } from '../keys/token.ts';
import { ALGORITHMS } from '../x509/algorithm.ts';

export interface SigningKeysOptions {
  readonly modulePath: string;
  readonly wanted: readonly WantedKey[];
  readonly lanes: number;
  readonly refusedPins: RefusedPins;
  readonly clock: Clock;
  /** Writes a canary of this key to the journal, before it is signed. @returns its bytes */
  readonly canary: (key: WantedKey) => Promise<Uint8Array>;
  /** Called on every change; `why` is one sentence while not ready. */
  readonly onState: (ready: boolean, why: string | undefined) => void;
  /** The library does not come back in this process. */
  readonly onStale: () => void;
}

interface Job {
  readonly key: WantedKey;
  readonly tbs: Uint8Array;
  readonly deadline: number;
  /** Lets all others go first: OCSP, which can be asked again. */
  readonly patient: boolean;
  readonly resolve: (signature: Uint8Array) => void;
  readonly reject: (fault: KeyFault) => void;
  tries: number;
}

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 2000;
/** After so many vain attempts a library may need a fresh process (network HSM clients are known for it). */
const STALE_AFTER = 10;
const KEEP_ALIVE_MS = 20_000;
const MOST_TRIES = 4;

export class SigningKeys {
  readonly #options: SigningKeysOptions;
  readonly #wanted: ReadonlyMap<string, WantedKey>;
  #module: KeyModule | undefined;
  #tokens: readonly Token[] = [];
  #idle = new Map<Token, Lane[]>();
  #queue: Job[] = [];
  #busy = 0;
  #onIdle: (() => void)[] = [];
  #onReady: (() => void)[] = [];
  /** Under way: opening everything, with waits between attempts. */
  #opening = false;
  #repairs = new Map<Token, Promise<void>>();
  #why: string | undefined = 'the keys are being opened';
  #closed = false;
  readonly #tick: NodeJS.Timeout;

  constructor(options: SigningKeysOptions) {
    this.#options = options;
    this.#wanted = new Map(options.wanted.map((key) => [key.id, key]));
    this.#tick = setInterval(() => this.#everySecond(), 1000);
    void this.#openAll();
  }

  /** Why no key can be used; undefined when all can. */
  get why(): string | undefined {
    return this.#why;
  }

  /** Milliseconds since the oldest call into the module began; 0 when there is none. */
  get oldestCallMs(): number {
    const now = performance.now();
    const lanes = this.#tokens.flatMap(({ lanes: all }) => all);
    return Math.max(0, ...lanes.map(({ since }) => (since === undefined ? 0 : now - since)));
  }

  /** @returns when the keys can be used, or when the deadline has passed; look at `why` */
  async whenReady(deadline: number): Promise<void> {
    while (this.#why !== undefined && !this.#closed && deadline > this.#options.clock.now()) {
      await new Promise<void>((resolve) => this.#onReady.push(resolve));
    }
  }

  /**
   * @param patient whether all other jobs go first
   * @returns a signature that was verified under the key @throws KeyFault when there is none before the deadline
   */
  sign(keyId: string, tbs: Uint8Array, deadline: number, patient = false): Promise<Uint8Array> {
    const key = this.#wanted.get(keyId);
    if (key === undefined) return Promise.reject(new KeyFault(`there is no key ${keyId}`, 'never'));
    return new Promise((resolve, reject) => {
      const at = patient ? -1 : this.#queue.findIndex((job) => job.patient);
      this.#queue.splice(at === -1 ? this.#queue.length : at, 0, { key, tbs, deadline, patient, resolve, reject, tries: 0 });
      this.#pump();
    });
  }

  /** Waits for calls under way, and lets go of the module. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#tick);
    for (const job of this.#queue.splice(0)) job.reject(new KeyFault('the signer is stopping', 'session'));
    for (const resolve of this.#onReady.splice(0)) resolve();
    await this.#allIdle();
    this.#module?.finalise();
  }

  #pump(): void {
    if (this.#opening || this.#closed) return;
    for (let index = 0; index < this.#queue.length; ) {
      const job = this.#queue[index] as Job;
      const token = this.#tokens.find((candidate) => candidate.has(job.key.id)) as Token;
      const lane = this.#repairs.has(token) ? undefined : this.#idle.get(token)?.pop();
      if (lane === undefined) {
        if (this.#tokens.length === 1) return; // all others wait for the same lanes
        index += 1;
        continue;
      }
      this.#queue.splice(index, 1);
      void this.#run(job, token, lane);
    }
  }

  async #run(job: Job, token: Token, lane: Lane): Promise<void> {
    this.#busy += 1;
    const fault = await this.#attempt(job, token, lane);
    if (fault === undefined) this.#idle.get(token)?.push(lane);
    else {
      job.tries += 1;
      if (fault.remedy === 'never' || job.tries >= MOST_TRIES) job.reject(fault);
      else this.#queue.unshift(job);
      await this.#remedy(fault, token, lane);
    }
    this.#free();
  }

  /** One thing less is under way in the module. */
  #free(): void {
    this.#busy -= 1;
    if (this.#busy === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
    this.#pump();
  }

  /** @returns what went wrong; the job is settled when nothing did */
  async #attempt(job: Job, token: Token, lane: Lane): Promise<KeyFault | undefined> {
    if (job.deadline <= this.#options.clock.now()) {
      job.reject(new KeyFault('the deadline passed while the job waited', 'session'));
      return undefined;
    }
    try {
      job.resolve(await signAndVerify(job.key, job.tbs, token, lane));
      return undefined;
    } catch (error) {
      return asKeyFault(error, 'signing');
    }
  }

  async #remedy(fault: KeyFault, token: Token, lane: Lane): Promise<void> {
    if (this.#opening || this.#closed) return; // this lane will not be used again
    try {
      if (fault.remedy === 'initialise') throw fault;
      if (fault.remedy === 'login') await this.#repair(token, lane);
      // Whatever went wrong, the session may hold half an operation.
      lane.reopen();
      this.#idle.get(token)?.push(lane);
    } catch (error) {
      void this.#openAll(asKeyFault(error, 'opening a session'));
    }
  }

  /** Logs in again and proves it with a canary; once for all lanes that ask at the same time. */
  #repair(token: Token, lane: Lane): Promise<void> {
    let repair = this.#repairs.get(token);
    if (repair === undefined) {
      repair = this.#logIn(token, lane).finally(() => this.#repairs.delete(token));
      this.#repairs.set(token, repair);
    }
    return repair;
  }

  async #logIn(token: Token, lane: Lane): Promise<void> {
    token.login();
    lane.reopen();
    await this.#proveKeys(token, lane);
  }

  async #proveKeys(token: Token, lane: Lane): Promise<void> {
    for (const key of this.#options.wanted.filter(({ id }) => token.has(id))) {
      await signAndVerify(key, await this.#options.canary(key), token, lane);
    }
  }

  /** Opens everything, for as long as it takes. The faults of all lanes end here. */
  async #openAll(cause?: KeyFault): Promise<void> {
    if (this.#opening) return;
    this.#opening = true;
    if (cause !== undefined) this.#enter(cause.message);
    for (let attempt = 1, wait = 0; !this.#closed; attempt++) {
      await pause(wait);
      await this.#allIdle();
      if (this.#closed) return;
      const fault = await this.#openOnce();
      if (fault === undefined) break;
      this.#enter(fault.message);
      if (fault.remedy !== 'never' && attempt >= STALE_AFTER) this.#options.onStale();
      wait = Math.min(wait * 2 || FIRST_WAIT_MS, LONGEST_WAIT_MS);
    }
    this.#opening = false;
    if (this.#closed) return;
    this.#enter(undefined);
    for (const resolve of this.#onReady.splice(0)) resolve();
    this.#pump();
  }

  async #openOnce(): Promise<KeyFault | undefined> {
    const { modulePath, wanted, lanes, refusedPins } = this.#options;
    try {
      this.#tokens = [];
      this.#module ??= new KeyModule(modulePath);
      this.#module.initialise();
      const module = this.#module;
      this.#tokens = byToken(wanted).map((keys) => new Token(module, keys, lanes, refusedPins));
      for (const token of this.#tokens) await this.#proveKeys(token, token.lanes[0] as Lane);
      this.#idle = new Map(this.#tokens.map((token) => [token, [...token.lanes]]));
      return undefined;
    } catch (error) {
      return asKeyFault(error, 'opening the keys');
    }
  }

  #enter(why: string | undefined): void {
    if (why === this.#why) return;
    this.#why = why;
    this.#options.onState(why === undefined, why);
  }

  async #allIdle(): Promise<void> {
    while (this.#busy > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  #everySecond(): void {
    const now = this.#options.clock.now();
    const late = this.#queue.filter(({ deadline }) => deadline <= now);
    if (late.length > 0) this.#queue = this.#queue.filter(({ deadline }) => deadline > now);
    for (const job of late) job.reject(new KeyFault(this.#why ?? 'no lane was free before the deadline', 'session'));
    // Whoever waits for the keys looks at the clock again.
    for (const resolve of this.#onReady.splice(0)) resolve();
    if (!this.#opening) this.#keepAlive();
  }

  #keepAlive(): void {
    const before = performance.now() - KEEP_ALIVE_MS;
    for (const [token, idle] of this.#idle) {
      for (const lane of idle.filter(({ usedAt }) => usedAt < before)) {
        try {
          lane.keepAlive();
        } catch (error) {
          idle.splice(idle.indexOf(lane), 1);
          this.#busy += 1;
          void this.#remedy(asKeyFault(error, 'C_GenerateRandom'), token, lane).then(() => this.#free());
        }
      }
    }
  }
}

/** A signature that does not verify is a fault of the session (or of memory, or an attack): nobody gets to see it. */
async function signAndVerify(key: WantedKey, tbs: Uint8Array, token: Token, lane: Lane): Promise<Uint8Array> {
  const signature = await lane.sign(token.handle(key.id), MECHANISMS[key.algorithm], tbs);
  if (!ALGORITHMS[key.algorithm].verify(key.spki, tbs, signature)) {
    throw new KeyFault(`a signature by ${key.id} did not verify under its public key`, 'initialise');
  }
  return signature;
}
