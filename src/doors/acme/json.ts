/** JSON from strangers: strict UTF-8, objects only, and each member named once. */
import { isUtf8 } from 'node:buffer';

export type JsonObject = Readonly<Record<string, unknown>>;

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
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  // JSON.parse keeps the last of two equal members, other parsers the first: what two parsers read differently is refused (RFC 8725 §2.4).
  return JSON.stringify(value) === text || !repeatsMember(text) ? (value as JsonObject) : undefined;
}

/** Whether the outermost object of this valid JSON text names a member twice. */
function repeatsMember(text: string): boolean {
  const seen = new Set<string>();
  let depth = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"(?:\s*:)?|[{}[\]]/gs)) {
    if (token === '{' || token === '[') depth += 1;
    else if (token === '}' || token === ']') depth -= 1;
    else if (depth === 1 && token.endsWith(':')) {
      const name = JSON.parse(token.slice(0, -1)) as string;
      if (seen.has(name)) return true;
      seen.add(name);
    }
  }
  return false;
}
