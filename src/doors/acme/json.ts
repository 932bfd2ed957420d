/** JSON from strangers: strict UTF-8, objects only, and each member named once. */
import { isUtf8 } from 'node:buffer';

export type JsonObject = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The object that `octets` hold, or undefined: bad UTF-8, not JSON, or JSON of another kind. */
export function parseObject(octets: Uint8Array): JsonObject | undefined {
  return isUtf8(octets) ? parseObjectText(Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('utf8')) : undefined;
}

function parseObjectText(text: string): JsonObject | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  // JSON.parse keeps the last of two equal members, other parsers the first: what two parsers read differently is refused (RFC 8725 §2.4).
  return countMembers(text) === Object.keys(value).length ? value : undefined;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;

/** How many members the outermost object of this valid JSON text names. Not recursive: strangers nest as deep as they like. */
function countMembers(text: string): number {
  let depth = 0;
  let members = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) i = endOfString(text, i);
    else if (code === COLON && depth === 1) members += 1;
    else if ((code | 0x20) === 0x7b) depth += 1; // { or [
    else if ((code | 0x20) === 0x7d) depth -= 1; // } or ]
  }
  return members;
}

/** The index of the quote that ends the string beginning at `start`. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === BACKSLASH) escapes += 1;
    if (escapes % 2 === 0) return end;
  }
}
