/**
 * Secrets that must be read back (HMAC keys of external account bindings) are stored sealed, under a key in a file outside the database:
 * whoever copies the database alone learns none of them. The same file keys the links that this server signs.
 *
 * A sealed secret is key id (8) ‖ IV (12) ‖ ciphertext ‖ tag (16), AES-256-GCM; what it is for is authenticated with it, so that no
 * row's secret can be put in place of another's.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseUnusable } from './errors.ts';

export interface Seal {
  /** `purpose` names the row that it is for. */
  close(secret: Uint8Array, purpose: string): Uint8Array;
  /** Throws SealBroken when it was sealed under another key file, for another purpose, or changed. */
  open(sealed: Uint8Array, purpose: string): Uint8Array;
  /** HMAC-SHA-256 over `text`, under a key of its own for each `purpose`. */
  mac(purpose: string, text: string): Buffer;
}

/** One sentence for the operator. */
export class SealBroken extends Error {
  override readonly name = 'SealBroken';
}

const KEY_OCTETS = 32;
const ID_OCTETS = 8;
const IV_OCTETS = 12;
const TAG_OCTETS = 16;

/** Reads the key file, and makes it when it is not there. Throws DatabaseUnusable with a sentence for the operator. */
export function openSeal(file: string): Seal {
  const master = readOrMake(file);
  const derive = (info: string, octets: number): Buffer => Buffer.from(hkdfSync('sha256', master, '', `chancery ${info}`, octets));
  const id = derive('seal id', ID_OCTETS);
  const key = derive('seal', KEY_OCTETS);
  return {
    close(secret, purpose) {
      const iv = randomBytes(IV_OCTETS);
      const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(purpose));
      return Buffer.concat([id, iv, cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
    },
    open(sealed, purpose) {
      const octets = Buffer.from(sealed);
      if (octets.length < ID_OCTETS + IV_OCTETS + TAG_OCTETS) throw new SealBroken('a sealed secret in the database is cut short');
      if (!octets.subarray(0, ID_OCTETS).equals(id)) {
        throw new SealBroken(`a secret in the database was sealed under another key than the one in ${file}: every machine with fronts needs the same file`);
      }
      const decipher = createDecipheriv('aes-256-gcm', key, octets.subarray(ID_OCTETS, ID_OCTETS + IV_OCTETS)).setAAD(Buffer.from(purpose));
      decipher.setAuthTag(octets.subarray(-TAG_OCTETS));
      try {
        return Buffer.concat([decipher.update(octets.subarray(ID_OCTETS + IV_OCTETS, -TAG_OCTETS)), decipher.final()]);
      } catch (cause) {
        throw new SealBroken('a sealed secret in the database was changed, or belongs to another row', { cause });
      }
    },
    mac: (purpose, text) => createHmac('sha256', derive(`mac ${purpose}`, KEY_OCTETS)).update(text).digest(),
  };
}

/** Whole under its name or not at all; of several processes that make it at once, one does. */
function readOrMake(file: string): Buffer {
  const draft = `${file}.${process.pid}`;
  try {
    return read(file) ?? make();
  } catch (error) {
    if (error instanceof DatabaseUnusable) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new DatabaseUnusable(`cannot read or make the sealing key ${file} (${code}): make it readable for this user alone, or name another with sealingKey in ca.yaml`);
  }

  function make(): Buffer {
    writeFileSync(draft, `${randomBytes(KEY_OCTETS).toString('base64url')}\n`, { mode: 0o600, flush: true });
    try {
      linkSync(draft, file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      rmSync(draft, { force: true });
    }
    return read(file) as Buffer;
  }
}

function read(file: string): Buffer | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const key = Buffer.from(text, 'base64url');
  if (key.length === KEY_OCTETS && key.toString('base64url') === text) return key;
  throw new DatabaseUnusable(`${file} holds no sealing key: put back the one that was there; it is 32 octets in base64url`);
}
