/**
 * ECDSA signatures in their two spellings: r ‖ s at fixed length (tokens, RFC 7518 §3.4) and the DER of RFC 3279 §2.2.3:
 *   Ecdsa-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }
 */

/** DER of r ‖ s, each of `size` octets (32 for P-256). Undefined for another length, or when r or s is zero. */
export function ecdsaSigValue(raw: Uint8Array, size: number): Uint8Array | undefined {
  if (raw.length !== 2 * size) return undefined;
  const r = significant(raw, 0, size);
  const s = significant(raw, size, 2 * size);
  if (r === size || s === 2 * size) return undefined;
  const lengthR = size - r + pad(raw, r);
  const lengthS = 2 * size - s + pad(raw, s);
  const body = lengthR + lengthS + 4;
  const long = body > 127 ? 1 : 0; // P-521; two length octets are never needed
  const out = new Uint8Array(2 + long + body);
  out[0] = 0x30;
  if (long === 1) out[1] = 0x81;
  out[1 + long] = body;
  write(out, 2 + long, raw.subarray(r, size), lengthR);
  write(out, 4 + long + lengthR, raw.subarray(s), lengthS);
  return out;
}

/** Index of the first octet that is not zero; `end` when all are. */
function significant(raw: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && raw[at] === 0) at += 1;
  return at;
}

/** An INTEGER whose first bit is set would be negative. */
const pad = (raw: Uint8Array, at: number): number => ((raw[at] ?? 0) >= 0x80 ? 1 : 0);

function write(out: Uint8Array, at: number, magnitude: Uint8Array, length: number): void {
  out[at] = 0x02;
  out[at + 1] = length;
  out.set(magnitude, at + 2 + length - magnitude.length);
}
