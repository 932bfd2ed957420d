/**
 * The frames on the signer's Unix socket. One frame = u32 length of the rest, u32 length of the header, the header as JSON, raw
 * bytes. All integers big endian.
 */

export type Fields = Readonly<Record<string, unknown>>;

/** A CRL shard with some 400,000 entries fits; nothing honest is larger. */
export const MAX_FRAME = 16 * 1024 * 1024;
const MAX_HEADER = 16 * 1024;
const LENGTH_FIELD = 4;

/** The peer does not speak this protocol; the connection is closed. */
export class FrameFault extends Error {
  override readonly name = 'FrameFault';
}

export function frame(header: object, ...bodies: readonly Uint8Array[]): Buffer {
  const json = Buffer.from(JSON.stringify(header));
  const length = 4 + json.length + bodies.reduce((sum, body) => sum + body.length, 0);
  if (json.length > MAX_HEADER || length > MAX_FRAME) throw new FrameFault(`frame of ${length} bytes is too large`);
  const out = Buffer.allocUnsafe(4 + length);
  out.writeUInt32BE(length, 0);
  out.writeUInt32BE(json.length, 4);
  json.copy(out, 8);
  let at = 8 + json.length;
  for (const body of bodies) {
    out.set(body, at);
    at += body.length;
  }
  return out;
}

export interface Frame {
  readonly header: Fields;
  readonly body: Uint8Array;
}

/** Cuts a byte stream into frames; holds at most one incomplete frame. */
export class FrameReader {
  readonly #largest: number;
  /** Of the next frame. */
  #limit: number;
  #chunks: Buffer[] = [];
  #held = 0;
  /** Bytes that the frame at the front takes, its length field included; LENGTH_FIELD while that is not known. */
  #wanted = LENGTH_FIELD;

  /** @param first bytes that the first frame may have, its length field not counted; the others may have `largest` */
  constructor(largest = MAX_FRAME, first = largest) {
    this.#largest = largest;
    this.#limit = first;
  }

  /** Bytes of the incomplete frame. */
  get held(): number {
    return this.#held;
  }

  /** @throws FrameFault on lengths out of bounds or a header that is not a JSON object */
  push(chunk: Buffer): Frame[] {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    const frames: Frame[] = [];
    while (this.#held >= this.#wanted) {
      const all = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
      this.#chunks = [all];
      if (this.#wanted === LENGTH_FIELD) {
        const length = all.readUInt32BE(0);
        if (length < 4 || length > this.#limit) throw new FrameFault(`frame of ${length} bytes`);
        this.#wanted = LENGTH_FIELD + length;
        continue;
      }
      frames.push(open(all.subarray(LENGTH_FIELD, this.#wanted)));
      const rest = all.subarray(this.#wanted);
      this.#chunks = rest.length === 0 ? [] : [rest];
      this.#held = rest.length;
      this.#wanted = LENGTH_FIELD;
      this.#limit = this.#largest;
    }
    return frames;
  }
}

function open(rest: Buffer): Frame {
  const headerLength = rest.readUInt32BE(0);
  if (headerLength > MAX_HEADER || 4 + headerLength > rest.length) throw new FrameFault('bad header length');
  let header: unknown;
  try {
    header = JSON.parse(rest.toString('utf8', 4, 4 + headerLength));
  } catch (cause) {
    throw new FrameFault('header is not JSON', { cause });
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) throw new FrameFault('bad header');
  return { header: header as Fields, body: rest.subarray(4 + headerLength) };
}
