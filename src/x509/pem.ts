/** PEM (RFC 7468), strict: one label, base64 in lines, nothing around it but white space. */
import { DerError } from './der-error.ts';

/** `label` is such as CERTIFICATE. Lines of 64 characters, a newline at the end. */
export function encodePem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END \1-----/g;

/** Every block of that label, in order. Throws DerError when there is none, or anything else in the text. */
export function decodePem(label: string, pem: string): Uint8Array[] {
  const blocks = [...pem.matchAll(BLOCK)];
  const rest = pem.replaceAll(BLOCK, '').trim();
  if (blocks.length === 0 || rest !== '') throw new DerError(`this is not PEM with nothing but ${label} in it`);
  return blocks.map(([, found, body = '']) => {
    if (found !== label) throw new DerError(`PEM holds ${found}, not ${label}`);
    const base64 = body.replaceAll(/[\r\n]/g, '');
    const der = Buffer.from(base64, 'base64');
    if (der.toString('base64') !== base64) throw new DerError(`the base64 of ${label} is not well formed`);
    return new Uint8Array(der);
  });
}
