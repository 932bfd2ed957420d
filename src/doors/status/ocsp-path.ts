/** The request in the path of a GET (RFC 6960 appendix A.1): base64 of DER, then URL-encoded; clients do that more or less. */

/**
 * `rest` is what stands behind `/ocsp` on the request line. Clients leave `/`, `+` and `=` as they are or encode them, put one slash or
 * two before it, and some have turned `+` into a space. All of these are the same request; anything else is none.
 */
export function requestInPath(rest: string): Uint8Array | undefined {
  const text = decoded(rest.replace(/^\/+/, ''))?.replaceAll(' ', '+');
  if (text === undefined || text === '' || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64');
  const canonical = bytes.toString('base64');
  return text === canonical || text === canonical.replace(/=+$/, '') ? bytes : undefined;
}

function decoded(text: string): string | undefined {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
