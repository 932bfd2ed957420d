/** ca-config/issuers/NAME.yaml: one issuer key, where it is and what it may sign. */
import { resolve } from 'node:path';
import { z } from 'zod';
import type { NameConstraints } from '../x509/shape.ts';
import type { FaultsOf } from './fault.ts';
import type { Issuer } from './generation.ts';
import { keyUri, keyUriFor } from './key-uri.ts';
import { type Complete, mapping, parsed, type Read } from './schema.ts';
import { baseUrl, dnsName, duration, durationText, range, simpleName, statePath } from './values.ts';

const hostOrBelow = (text: string): string => (text.startsWith('.') ? `.${dnsName(text.slice(1))}` : dnsName(text));

export const issuerKeys = {
  /** For ever: serials, CRLs, records and URLs belong to it. */
  id: parsed(simpleName),
  /** What profiles name. Exactly one key of a group is active. */
  group: parsed(simpleName).prefault('default'),
  state: z.enum(['active', 'retired']).default('active'),
  /** PKCS#11 URI of the private key; `pin-source` is a file below the state directory. */
  key: parsed(keyUri),
  /** PEM files: this key's certificate first, then those towards the root. */
  certificates: z.array(parsed(statePath)).min(1).max(8),
  root: parsed(statePath),
  /** Other certificates of the same key and subject (renewed, cross-signed), each with its way to a root: chains that clients may ask for. */
  alternates: z
    .array(z.strictObject({ certificates: z.array(parsed(statePath)).min(1).max(8), root: parsed(statePath) }))
    .max(8)
    .default([]),
  /** The CRL that the root signed in its ceremony, DER: served as it is. */
  rootCrl: parsed(statePath).optional(),
  /** Profiles that it may sign; the signer checks this again. */
  profiles: z.array(parsed(simpleName)),
  /** CRLs of this key. */
  shards: z.int().min(1).max(1024).default(8),
  /** Plain http: relying parties that check a certificate cannot check another first (RFC 5280 §8). */
  crlUrl: parsed(baseUrl('http')),
  caIssuersUrl: parsed(baseUrl('http')),
  /** The most that the signer signs in a second. */
  ratePerSecond: z.int().min(1).max(1_000_000).default(1000),
  /** Names that it may certify; without it, all that its CA certificate permits. A type left out is not permitted. */
  permittedNames: mapping({
    dns: z.array(parsed(dnsName)).optional(),
    ip: z.array(parsed(range)).optional(),
    /** Hosts of URIs; with a dot in front, all hosts below (RFC 5280 §4.2.1.10). */
    uri: z.array(parsed(hostOrBelow)).optional(),
    email: z.array(parsed(hostOrBelow)).optional(),
  }).optional(),
  /** Its OCSP responder. Without it, certificates name no responder, and /ocsp knows nothing of this key. */
  ocsp: mapping({
    /** Plain http, as in certificates. */
    url: parsed(baseUrl('http')),
    /** PKCS#11 URI of the responder's private key: another key than the one above. */
    key: parsed(keyUri),
    /** PEM file with its public key. */
    publicKey: parsed(statePath),
    /** Profile of the responder's certificates. */
    profile: parsed(simpleName).prefault('ocsp-responder'),
    /** How long a response is good for. */
    validity: parsed(duration).prefault('96h'),
    /** The most responses that the signer signs in a second. */
    ratePerSecond: z.int().min(1).max(1_000_000).default(10_000),
  }).optional(),
} as const;

/** BR §4.9.10: a response is good for 8 hours to 10 days. */
const RESPONSE_VALIDITY_MS = { least: 8 * 3_600_000, most: 10 * 86_400_000 };

/** The rules between keys. */
export function checkIssuer(file: Read<typeof issuerKeys>, faults: FaultsOf): void {
  const { certificates, profiles, root, state, ocsp } = file;
  file.alternates?.forEach((chain, at) => {
    if (chain.certificates.includes(chain.root)) faults.add(['alternates', at, 'certificates'], `has the root "${chain.root}": a chain leaves it out`);
    if (chain.certificates.join() === certificates?.join()) faults.add(['alternates', at], 'is the chain under certificates itself');
  });
  if (root !== undefined && certificates?.includes(root))
    faults.add(['certificates'], `has the root "${root}": a chain leaves it out`);
  if (profiles?.length === 0 && state === 'active')
    faults.add(['profiles'], 'is an empty list: an active key signs something');
  if (ocsp !== undefined && (ocsp.validity < RESPONSE_VALIDITY_MS.least || ocsp.validity > RESPONSE_VALIDITY_MS.most))
    faults.add(['ocsp', 'validity'], `${durationText(ocsp.validity)} is not between 8h and 10d`);
  for (const [name, list] of [
    ['profiles', profiles],
    ['certificates', certificates],
  ] as const) {
    list?.forEach((entry, at) => {
      if (list.indexOf(entry) < at) faults.add([name, at], `"${entry}" is there twice`);
    });
  }
}

export function issuerOf(
  file: Complete<typeof issuerKeys>,
  stateDirectory: string,
  pinFile: string | undefined,
): Issuer {
  const { id, group, state, profiles, shards, crlUrl, caIssuersUrl, ratePerSecond, permittedNames, ocsp } = file;
  return {
    id,
    group,
    state,
    profiles,
    shards,
    ratePerSecond,
    crlUrl: `${crlUrl}/${id}`,
    caIssuersUrl: `${caIssuersUrl}/${id}.cer`,
    certificates: file.certificates.map((path) => resolve(stateDirectory, path)),
    root: resolve(stateDirectory, file.root),
    alternates: file.alternates.map((chain) => ({
      certificates: chain.certificates.map((path) => resolve(stateDirectory, path)),
      root: resolve(stateDirectory, chain.root),
    })),
    ...(file.rootCrl === undefined ? {} : { rootCrl: resolve(stateDirectory, file.rootCrl) }),
    keyUri: keyUriFor(file.key, stateDirectory, pinFile),
    ...(permittedNames === undefined ? {} : { permittedNames: constraintsOf(permittedNames) }),
    ...(ocsp === undefined
      ? {}
      : {
          ocsp: {
            url: ocsp.url,
            keyUri: keyUriFor(ocsp.key, stateDirectory, pinFile),
            publicKey: resolve(stateDirectory, ocsp.publicKey),
            profile: ocsp.profile,
            validityMs: ocsp.validity,
            ratePerSecond: ocsp.ratePerSecond,
          },
        }),
  };
}

/** Every type is named, so that one that nobody thought of is not permitted by silence. */
function constraintsOf(permitted: NonNullable<Complete<typeof issuerKeys>['permittedNames']>): NameConstraints {
  const { dns = [], ip = [], uri = [], email = [] } = permitted;
  return { permitted: { dns, ip: ip.map(({ text }) => text), uri, email }, excluded: {} };
}
