/** Reads the certificates that a configuration generation names, checks that they fit together, and makes the authority of it. */
import { readFileSync } from 'node:fs';
import type { Alternate, Authority, IssuerKey, Responder } from '../ca/issuance/issuer-key.ts';
import type { Generation, Issuer } from '../config/generation.ts';
import { algorithmOf, DEFAULT_ALGORITHM } from '../x509/algorithm.ts';
import { isSignedBy, issuerShapeOf } from '../x509/ca-certificate.ts';
import { parseCertificate, type Tbs } from '../x509/certificate.ts';
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
    const { chain, root } = readChain(issuer, issuer);
    const alternates = issuer.alternates.map((files) => readChain(issuer, files));
    for (const alternate of alternates) checkAlternate(issuer, chain, alternate.chain);
    issuerKeys.set(issuer.id, {
      id: issuer.id, group: issuer.group, state: issuer.state, profiles: new Set(issuer.profiles),
      shape: issuerShape(issuer, chain[0] as Uint8Array, generation), chain, root, alternates, ...responderOf(issuer),
    });
  }
  const { profile } = generation.ownCertificate;
  const own = issuerKeys.get(generation.groups.get(generation.profiles.get(profile)?.group ?? '')?.active ?? '');
  if (own === undefined) throw new AuthorityFault('no issuer is configured: add a file under issuers/');
  return { generation, issuerKeys, root: own.root };
}

function readChain(issuer: Issuer, files: Pick<Issuer, 'certificates' | 'root'>): Alternate {
  const chain = files.certificates.flatMap((file) => readCertificates(file, issuer.id));
  const [root, ...more] = readCertificates(files.root, issuer.id);
  if (root === undefined || more.length > 0) throw new AuthorityFault(`${files.root}: holds ${more.length + 1} certificates, one root is needed`);
  checkChain(issuer, [...chain, root]);
  return { chain, root };
}

/** What certificates say of their issuer has to be true of every certificate that the issuer has. */
function checkAlternate({ id }: Issuer, [main]: readonly Uint8Array[], [other]: readonly Uint8Array[]): void {
  const [one, two] = [main, other].map((der) => parseCertificate(der as Uint8Array).tbs) as [Tbs, Tbs];
  for (const [what, same] of [
    ['public key', Buffer.compare(one.spki, two.spki) === 0],
    ['subject', Buffer.compare(one.subject, two.subject) === 0],
    ['subject key identifier', one.subjectKeyId === two.subjectKeyId],
  ] as const) {
    if (!same) throw new AuthorityFault(`issuer ${id}: alternates: a certificate has another ${what} than the first one under certificates`);
  }
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
  for (const { id, state, chain, root, alternates } of authority.issuerKeys.values()) {
    if (state !== 'active') continue;
    for (const [key, path] of [['certificates', { chain, root }], ...alternates.map((each) => ['alternates', each] as const)] as const) {
      const fault = await pathFault(path.chain, path.root, now);
      if (fault !== undefined) throw new AuthorityFault(`issuer ${id}: ${key}: ${fault}`);
    }
  }
}
