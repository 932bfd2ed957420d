/** Reads the certificates that a configuration generation names, checks that they fit together, and makes the authority of it. */
import { readFileSync } from 'node:fs';
import type { Authority, IssuerKey, Responder } from '../ca/issuance/issuer-key.ts';
import type { Generation, Issuer } from '../config/generation.ts';
import { algorithmOf, DEFAULT_ALGORITHM } from '../x509/algorithm.ts';
import { isSignedBy, issuerShapeOf } from '../x509/ca-certificate.ts';
import { parseCertificate } from '../x509/certificate.ts';
import { pathFault } from '../x509/path.ts';
import { decodePem } from '../x509/pem.ts';
import { keyTypeOf, publicKeyFault } from '../x509/public-key.ts';
import type { IssuerShape } from '../x509/shape.ts';

/** What the operator has to mend: a file that is missing or does not hold what it should. */
export class AuthorityFault extends Error {
  override readonly name = 'AuthorityFault';
}

export function loadAuthority(generation: Generation): Authority {
  const issuerKeys = new Map<string, IssuerKey>();
  for (const issuer of generation.issuers.values()) {
    const chain = issuer.certificates.flatMap((file) => readCertificates(file, issuer.id));
    const [rootDer, ...more] = readCertificates(issuer.root, issuer.id);
    if (rootDer === undefined || more.length > 0) throw new AuthorityFault(`${issuer.root}: holds ${more.length + 1} certificates, one root is needed`);
    checkChain(issuer, [...chain, rootDer]);
    issuerKeys.set(issuer.id, {
      id: issuer.id, group: issuer.group, state: issuer.state, profiles: new Set(issuer.profiles),
      shape: issuerShape(issuer, chain[0] as Uint8Array, generation), chain, root: rootDer, ...responderOf(issuer),
    });
  }
  const { profile } = generation.ownCertificate;
  const own = issuerKeys.get(generation.groups.get(generation.profiles.get(profile)?.group ?? '')?.active ?? '');
  if (own === undefined) throw new AuthorityFault('no issuer is configured: add a file under issuers/');
  return { generation, issuerKeys, root: own.root };
}

function issuerShape(issuer: Issuer, certificate: Uint8Array, { profiles }: Generation): IssuerShape {
  const { id, shards, crlUrl, caIssuersUrl, ocsp } = issuer;
  const holds = issuer.profiles.some((name) => profiles.get(name)?.hold === true);
  return issuerShapeOf(certificate, {
    id, shards, crlUrl, caIssuersUrl, ...(ocsp === undefined ? {} : { ocspUrl: ocsp.url }), ...(holds ? { holds } : {}),
  });
}

function responderOf({ id, ocsp }: Issuer): { responder?: Responder } {
  if (ocsp === undefined) return {};
  const [spki, ...more] = readPem(ocsp.publicKey, 'PUBLIC KEY', `issuer ${id}: ocsp`);
  const fault = spki === undefined || more.length > 0 ? 'it holds several keys' : publicKeyFault(spki);
  if (spki === undefined || fault !== undefined) throw new AuthorityFault(`${ocsp.publicKey}: ${fault}`);
  return { responder: { spki, algorithm: DEFAULT_ALGORITHM[keyTypeOf(spki)], profile: ocsp.profile, validityMs: ocsp.validityMs } };
}

const readCertificates = (file: string, issuer: string): Uint8Array[] => readPem(file, 'CERTIFICATE', `issuer ${issuer}`);

function readPem(file: string, label: string, whose: string): Uint8Array[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new AuthorityFault(
      `${whose}: cannot read ${file}: put the ${label.toLowerCase()} there, or run the ceremony that makes it`, { cause });
  }
  try {
    return decodePem(label, text);
  } catch (cause) {
    throw new AuthorityFault(`${file}: ${(cause as Error).message}`, { cause });
  }
}

/** Each certificate is issued by the next: names equal byte for byte, as every verifier will compare them, and signed by its key. */
function checkChain(issuer: Issuer, chain: readonly Uint8Array[]): void {
  const parsed = chain.map((der) => parseCertificate(der));
  parsed.forEach((certificate, index) => {
    const next = parsed[Math.min(index + 1, parsed.length - 1)];
    if (next === undefined) return;
    // Signatures of kinds that our own issuers never make (SHA-512 of an older root) are left to checkPaths.
    const ours = algorithmOf(certificate.signatureAlgorithm) !== undefined;
    if (Buffer.compare(certificate.tbs.issuer, next.tbs.subject) !== 0 || (ours && !isSignedBy(certificate, next))) {
      throw new AuthorityFault(`issuer ${issuer.id}: certificate ${index + 1} is not issued by certificate ${index + 2} of the chain to the root`);
    }
  });
}

/** RFC 5280 §6 over every chain that may still be used; slower than the rest, so only what talks to clients asks for it. */
export async function checkPaths(authority: Authority, now: number): Promise<void> {
  for (const { id, state, chain, root } of authority.issuerKeys.values()) {
    const fault = state === 'active' ? await pathFault(chain, root, now) : undefined;
    if (fault !== undefined) throw new AuthorityFault(`issuer ${id}: certificates: ${fault}`);
  }
}
