/** Builds pkcs11-shim.c with gcc, and steers it through its control file while a process uses it. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, readSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('pkcs11-shim.c', import.meta.url));
const HEADERS = fileURLToPath(new URL('../../node_modules/pkcs11js/includes/pkcs11', import.meta.url));

/** As in the C source: rows, and the words of a row. */
const CALLS = [
  'C_Initialize',
  'C_GetSlotList',
  'C_OpenSession',
  'C_CloseSession',
  'C_Login',
  'C_FindObjectsInit',
  'C_GetAttributeValue',
  'C_SignInit',
  'C_Sign',
  'C_GenerateRandom',
] as const;
const WORDS = ['made', 'fail', 'error', 'delay', 'hang', 'crash', 'flip', 'lose'] as const;
export type ShimCall = (typeof CALLS)[number];

/** As a number of times: until `calm`. */
export const FOREVER = 0xffffffff;
const LOGOUT = 0x80000000;

/** PKCS#11 v3.1 §3.6, the values that tests inject. */
export const CKR = {
  GENERAL_ERROR: 0x05,
  FUNCTION_FAILED: 0x06,
  DEVICE_ERROR: 0x30,
  DEVICE_REMOVED: 0x32,
  KEY_HANDLE_INVALID: 0x60,
  MECHANISM_INVALID: 0x70,
  OPERATION_ACTIVE: 0x90,
  PIN_LOCKED: 0xa4,
  SESSION_CLOSED: 0xb0,
  SESSION_HANDLE_INVALID: 0xb3,
  TOKEN_NOT_PRESENT: 0xe0,
  USER_NOT_LOGGED_IN: 0x101,
  CRYPTOKI_NOT_INITIALIZED: 0x190,
} as const;

/** One control file; every process that is given `environment` obeys it. */
export class Shim implements Disposable {
  readonly modulePath: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly #descriptor: number;

  /** @param behind the module that it forwards to */
  constructor(directory: string, behind: string) {
    this.modulePath = build();
    const control = join(directory, 'shim-control');
    writeFileSync(control, Buffer.alloc(CALLS.length * WORDS.length * 4));
    this.#descriptor = openSync(control, 'r+');
    this.environment = { CHANCERY_SHIM_MODULE: behind, CHANCERY_SHIM_CONTROL: control };
  }

  /** How often it was called, in all processes together. */
  count(call: ShimCall): number {
    const word = Buffer.alloc(4);
    readSync(this.#descriptor, word, 0, 4, offset(call, 'made'));
    return word.readUInt32LE();
  }

  fail(call: ShimCall, error: number, times: number): void {
    this.#write(call, 'error', error);
    this.#write(call, 'fail', times);
  }

  delay(call: ShimCall, milliseconds: number): void {
    this.#write(call, 'delay', milliseconds);
  }

  hang(call: ShimCall, times: number): void {
    this.#write(call, 'hang', times);
  }

  crash(call: ShimCall, times: number): void {
    this.#write(call, 'crash', times);
  }

  flipSignatures(times: number): void {
    this.#write('C_Sign', 'flip', times);
  }

  /** Closes the session under the caller's feet. */
  loseSession(call: 'C_SignInit' | 'C_Sign', times: number): void {
    this.#write(call, 'lose', times);
  }

  /** Logs the application out of the token. */
  loseLogin(call: 'C_SignInit' | 'C_Sign', times: number): void {
    this.#write(call, 'lose', LOGOUT + times);
  }

  /** The end of every fault. Counts go on. */
  calm(): void {
    for (const call of CALLS) for (const word of WORDS) if (word !== 'made') this.#write(call, word, 0);
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }

  #write(call: ShimCall, word: (typeof WORDS)[number], value: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    writeSync(this.#descriptor, bytes, 0, 4, offset(call, word));
  }
}

const offset = (call: ShimCall, word: (typeof WORDS)[number]) =>
  (CALLS.indexOf(call) * WORDS.length + WORDS.indexOf(word)) * 4;

/** Once per version of the source; test files that build at the same time each rename a whole file into place. */
function build(): string {
  const version = createHash('sha256').update(readFileSync(SOURCE)).digest('hex').slice(0, 16);
  const built = join(tmpdir(), `chancery-pkcs11-shim-${version}.so`);
  if (!existsSync(built)) {
    const draft = `${built}.${process.pid}`;
    execFileSync('gcc', ['-shared', '-fPIC', '-O1', '-I', HEADERS, '-o', draft, SOURCE], { stdio: 'inherit' });
    renameSync(draft, built);
  }
  return built;
}
