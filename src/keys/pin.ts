/**
 * PINs: read from their file when needed, never kept, never shown; and the memory of PINs that a token has refused.
 * A token locks itself after a few wrong PINs, so a wrong one is presented once, across restarts, until the file changes.
 */
import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto';
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { KeyFault } from './errors.ts';

/** @throws KeyFault when the file is missing, empty or may be read by everybody */
export function readPin(file: string): string {
  let mode: number;
  let text: string;
  try {
    mode = statSync(file).mode;
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new KeyFault(`the PIN file ${file} cannot be read (${code}): put the PIN there, for the signer's user alone, or mend pin-source in issuers/*.yaml`, 'never', undefined, error);
  }
  if ((mode & 0o027) !== 0) throw new KeyFault(`the PIN file ${file} is open to others: chmod 600 ${file}`, 'never');
  const pin = text.replace(/\r?\n$/, '');
  if (pin === '') throw new KeyFault(`the PIN file ${file} is empty`, 'never');
  return pin;
}

interface Remembered {
  readonly salt: string;
  readonly digest: string;
}

/** On disk as JSON by token serial. The digest is salted and slow, for PINs are short. */
export class RefusedPins {
  readonly file: string;

  constructor(file: string) {
    this.file = file;
  }

  has(tokenSerial: string, pin: string): boolean {
    const known = this.#read()[tokenSerial];
    if (known === undefined) return false;
    return timingSafeEqual(digest(pin, Buffer.from(known.salt, 'hex')), Buffer.from(known.digest, 'hex'));
  }

  add(tokenSerial: string, pin: string): void {
    const salt = randomBytes(16);
    const entry = { salt: salt.toString('hex'), digest: digest(pin, salt).toString('hex') };
    const text = JSON.stringify({ ...this.#read(), [tokenSerial]: entry });
    writeFileSync(`${this.file}.new`, text, { mode: 0o600, flush: true });
    renameSync(`${this.file}.new`, this.file);
  }

  #read(): Record<string, Remembered> {
    try {
      return JSON.parse(readFileSync(this.file, 'utf8')) as Record<string, Remembered>;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
      throw new KeyFault(`${this.file} cannot be read: ${(error as Error).message}`, 'never', undefined, error);
    }
  }
}

const digest = (pin: string, salt: Buffer) => scryptSync(pin, salt, 32, { N: 4096, r: 8, p: 1 });
