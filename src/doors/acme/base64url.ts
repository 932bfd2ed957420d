/** base64url as RFC 8555 §6.1 wants it: no padding, no other characters, and (our reading) no second spelling of the same octets. */

/** The octets, or undefined when the text is not exactly what encoding them gives. */
export function decodeBase64url(text: string): Buffer | undefined {
  const octets = Buffer.from(text, 'base64url');
  return octets.toString('base64url') === text ? octets : undefined;
}
