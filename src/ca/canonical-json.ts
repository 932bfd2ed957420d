/** Canonical JSON (RFC 8785 for the values we use): members sorted, no white space, so that equal facts have equal digests. */
import { createHash } from 'node:crypto';

/** Strings, finite numbers, booleans, null, arrays and plain objects; members that are undefined are left out. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
    return `{${members.join(',')}}`;
  }
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Error('canonical JSON has no NaN or infinity');
  const text = JSON.stringify(value);
  if (text === undefined) throw new Error(`canonical JSON has no ${typeof value}`);
  return text;
}

/** Lower-case hex SHA-256 of text or bytes. */
export const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');
