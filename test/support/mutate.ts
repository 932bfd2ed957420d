/** Bytes that are almost right: hostile input for parsers, made from good input by small changes that come again with their seed. */
import { type Dice, dice } from './random.ts';

/** Octets at which parsers of DER, JSON, base64url, HTTP and DNS turn off. */
const TELLING = [0x00, 0x01, 0x0a, 0x0d, 0x20, 0x22, 0x2a, 0x2b, 0x2e, 0x2f, 0x30, 0x31, 0x3a, 0x3d, 0x5b, 0x5c, 0x5d, 0x7b, 0x7d, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xa0, 0xc0, 0xff];
const MOST_CHANGES = 6;
const MOST_OCTETS = 20_000;

export interface Mutator {
  readonly seed: number;
  /** One of the corpus, changed. */
  next(): Buffer;
}

export function mutator(corpus: readonly Uint8Array[], random: Dice = dice()): Mutator {
  const below = (limit: number): number => Math.floor(random.next() * Math.max(1, limit));
  const any = (): Uint8Array => corpus[below(corpus.length)] as Uint8Array;
  const octet = (): number => (random.next() < 0.5 ? (TELLING[below(TELLING.length)] as number) : below(256));
  const slice = (from: Uint8Array): Uint8Array => {
    const start = below(from.length);
    return from.subarray(start, start + 1 + below(Math.min(64, from.length - start)));
  };
  const put = (into: Uint8Array, at: number, what: Uint8Array, over: number): Buffer =>
    Buffer.concat([into.subarray(0, at), what, into.subarray(at + over)]);

  const changes: readonly ((bytes: Buffer) => Buffer)[] = [
    (bytes) => put(bytes, below(bytes.length), Uint8Array.of(octet()), 1),
    (bytes) => { const at = below(bytes.length); return put(bytes, at, Uint8Array.of((bytes[at] ?? 0) ^ (1 << below(8))), 1); },
    (bytes) => put(bytes, below(bytes.length + 1), Uint8Array.of(octet()), 0),
    (bytes) => put(bytes, below(bytes.length), new Uint8Array(), 1 + below(8)),
    (bytes) => put(bytes, below(bytes.length + 1), slice(any()), 0),
    (bytes) => put(bytes, below(bytes.length), slice(bytes), below(32)),
    (bytes) => bytes.subarray(0, below(bytes.length)),
    (bytes) => { const part = slice(bytes); return put(bytes, below(bytes.length), Buffer.concat(Array.from({ length: 1 + below(40) }, () => part)), 0); },
  ];
  return {
    seed: random.seed,
    next() {
      let bytes: Buffer = Buffer.from(any());
      for (let left = 1 + below(MOST_CHANGES); left > 0; left -= 1) bytes = (changes[below(changes.length)] as (typeof changes)[number])(bytes);
      return bytes.subarray(0, MOST_OCTETS);
    },
  };
}

/**
 * Gives `count` changed inputs to `take`, which throws for what must not happen; the error then names the seed and the input.
 * Resolves to how many came out as `good`, so that a test can see that the inputs were neither all refused nor all taken.
 */
export async function bombard(
  corpus: readonly Uint8Array[], count: number, take: (input: Buffer) => boolean | Promise<boolean>,
): Promise<number> {
  const source = mutator(corpus);
  let good = 0;
  for (let i = 0; i < count; i += 1) {
    const input = source.next();
    try {
      if (await take(input)) good += 1;
    } catch (error) {
      throw new Error(`CHANCERY_SEED=${source.seed}, case ${i}, input ${input.toString('hex').slice(0, 4000)}`, { cause: error });
    }
  }
  return good;
}
