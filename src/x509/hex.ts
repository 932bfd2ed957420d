/** Octets as lower-case hex, the form in which serials, digests and key identifiers are kept. */

export const hexOf = (octets: Uint8Array): string =>
  Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('hex'); // a view: nothing is copied
