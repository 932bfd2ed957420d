/**
 * One generation of the configuration, as used: parsed, checked, immutable and named by its digest.
 * Only `loadConfig` makes one, so holding one is the proof that every check was done. What operators write is described
 * by the *-file.ts neighbours.
 */
import type { Name } from '../x509/name.ts';
import type { DirectoryLimits, RateLimits, StarSettings } from './directory-settings.ts';
import type { RenewalRule } from './renewal-rule.ts';
import type { RevocationSettings } from './revocation-entry.ts';
import type { CertificateShape, NameConstraints, SubjectAttribute } from '../x509/shape.ts';

export interface Generation {
  /** Lower-case hex SHA-256 of `canonical`. Recorded in every order and intent. */
  readonly digest: string;
  /** Canonical JSON of all that decides what may be issued. No secrets, no paths or addresses of one machine. */
  readonly canonical: string;
  readonly mode: Mode;
  readonly realm: string;
  /** Absolute. Every relative path in the configuration is below it. */
  readonly stateDirectory: string;
  readonly listeners: Listeners;
  /** CIDR text: from these addresses `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[];
  /** `sqlite:/absolute/path` or a PostgreSQL URL. May hold a password: never show it, `describe` leaves that out. */
  readonly database: string;
  /** How long certificates, and what led to them, are kept after they have expired. */
  readonly retentionMs: number;
  readonly fronts: 'auto' | number;
  /** Absolute: the key under which secrets in the database are sealed; made at the first start. */
  readonly sealingKey: string;
  readonly signer: SignerSettings;
  readonly issuers: ReadonlyMap<string, Issuer>;
  readonly groups: ReadonlyMap<string, Group>;
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly policies: ReadonlyMap<string, Policy>;
  readonly directories: ReadonlyMap<string, Directory>;
  /** SHA-256 of SubjectPublicKeyInfos, lower-case hex: keys that nobody may use, by the operator's list. */
  readonly blockedKeys: ReadonlySet<string>;
  readonly validation: ValidationSettings;
  readonly revocation: RevocationSettings;
  readonly ownCertificate: OwnCertificate;
  /** Name of the policy that allows the server the certificates of its OCSP responders; part of `policies`. */
  readonly ocspPolicy: string;
}

export type Mode = 'development' | 'production';

/** Where a listener binds. Port 0 is any free port, for tests. */
export interface Listen {
  readonly host: string;
  readonly port: number;
}

/** `est` and `admin` are absent while those doors are closed. */
export interface Listeners {
  readonly acme: Listen;
  readonly status: Listen;
  readonly metrics: Listen;
  readonly est?: Listen;
  readonly admin?: Listen;
}

export interface SignerSettings {
  /** 1–127, the first byte of every serial; never used again with another journal. */
  readonly id: number;
  /** Absolute path of the Unix socket. */
  readonly socket: string;
  /** Absolute: the journal and the memory of wrong PINs. */
  readonly stateDirectory: string;
  /** The PKCS#11 module: the first of the configured paths that exists, or the first if none does. */
  readonly module: string;
  readonly lanes?: number;
  readonly callDeadlineMs: number;
  /** Jobs that may wait for a lane before callers are told to come back. */
  readonly queue: number;
}

/** One issuer key. Its id is for ever: serials, CRLs and URLs belong to it. */
export interface Issuer {
  readonly id: string;
  readonly group: string;
  /** A retired key signs CRLs, and certificates no more. */
  readonly state: 'active' | 'retired';
  /** PEM files, absolute: this key's certificate first, then those between it and the root. */
  readonly certificates: readonly string[];
  /** PEM file, absolute. */
  readonly root: string;
  /** Further chains of the same key and subject, as `certificates` and `root`. */
  readonly alternates: readonly { readonly certificates: readonly string[]; readonly root: string }[];
  readonly rootCrl?: string; // DER file, absolute
  /** RFC 7512. Its pin-source is an absolute file; a PIN is never in it. */
  readonly keyUri: string;
  readonly profiles: readonly string[];
  readonly shards: number;
  /** `http://…/crl/ID`: a shard's own URL is made from it by crlUrlOf(). */
  readonly crlUrl: string;
  /** `http://…/ca/ID.cer`, as it stands in certificates. */
  readonly caIssuersUrl: string;
  /** Certificates that the signer agrees to sign per second, counted over its own clock. */
  readonly ratePerSecond: number;
  /** Names that this key may certify, where narrower than its CA certificate says. */
  readonly permittedNames?: NameConstraints;
  /** Its OCSP responder; absent while there is none, and certificates then name none. */
  readonly ocsp?: IssuerOcsp;
}

/** A responder of its own for each issuer key: another key, in a token of the same signer. */
export interface IssuerOcsp {
  /** As it stands in certificates. */
  readonly url: string;
  /** RFC 7512, as Issuer.keyUri. */
  readonly keyUri: string;
  /** PEM file, absolute: the public half, by which the key is found. */
  readonly publicKey: string;
  /** The profile of its certificates. */
  readonly profile: string;
  /** How long a response is good for. */
  readonly validityMs: number;
  /** Responses that the signer agrees to sign per second. */
  readonly ratePerSecond: number;
}

/** What profiles and doors name instead of a key. */
export interface Group {
  readonly name: string;
  /** The id of its one active issuer key. */
  readonly active: string;
  readonly issuers: readonly string[];
}

export interface Profile {
  readonly name: string;
  readonly description: string;
  /** The issuer group that signs it. */
  readonly group: string;
  /** Internal profiles serve the server itself; no door may offer them. */
  readonly internal: boolean;
  readonly hold: boolean; // whether its certificates may be held: revoked for a while (RFC 5280 §5.3.1)
  /** What the certificate looks like: closed, for the renderer, the lints and the signer's re-check. */
  readonly shape: CertificateShape;
  /** Subject attributes without which nothing is issued. */
  readonly requiredSubject: readonly SubjectAttribute[];
  /** When clients are told to renew. */
  readonly renewal: RenewalRule;
}

/** Which names may be had. It binds where a directory, an account or an identity names it. */
export interface Policy {
  readonly name: string;
  readonly description: string;
  /** Profiles it speaks about; absent is all. */
  readonly profiles?: readonly string[];
  /** Requesters it speaks about, as `kind:id` or `kind:*`; absent is all. */
  readonly requesters?: readonly string[];
  readonly allow: NameRules;
  readonly deny: NameRules;
}

/** All of it canonical: lower-case A-labels, no leading or trailing dots. */
export interface NameRules {
  /** Exactly these DNS names; `*.x` is that one wildcard. */
  readonly names: readonly string[];
  /** The DNS name itself and everything below it (as RFC 5280 §4.2.1.10 reads a subtree), wildcards not included. */
  readonly suffixes: readonly string[];
  /** Wildcards `*.x` for x itself and everything below it. */
  readonly wildcards: readonly string[];
  readonly addresses: readonly AddressRange[];
  /** Scheme and authority are literal; a path segment `*` is any one segment, a last `**` is one or more. */
  readonly uris: readonly string[];
  /** By subject attribute: patterns in which `*` is any run of characters. */
  readonly subject: { readonly [A in SubjectAttribute]?: readonly string[] };
}

/** A CIDR range, its host bits zero. `octets` has length 4 or 16. */
export interface AddressRange {
  readonly text: string;
  readonly octets: readonly number[];
  readonly prefix: number;
}

export type ChallengeType = 'http-01' | 'dns-01' | 'tls-alpn-01' | 'dns-account-01' | 'dns-persist-01' | 'device-attest-01';
/** Those whose proof lies in the client's network or zone. */
export type DialledChallenge = Exclude<ChallengeType, 'device-attest-01'>;

/** One ACME directory. */
export interface Directory {
  readonly name: string;
  /** `/acme`, or `/acme/d/NAME` for all but `default`. */
  readonly path: string;
  /** `https://host[:port]`, no trailing slash: URLs are this and `path`, never the Host header. */
  readonly externalUrl: string;
  /** Earlier values of externalUrl, still accepted in a request's `url`. */
  readonly formerUrls: readonly string[];
  readonly profiles: readonly string[];
  readonly defaultProfile: string;
  /** The issuer group that signs what is ordered here; absent: the profiles' own. */
  readonly group?: string;
  readonly policies: readonly string[];
  readonly challenges: readonly ChallengeType[];
  /** RFC 8555 §7.1.1. A binding that is given is verified even where none is required. */
  readonly externalAccountRequired: boolean;
  readonly rateLimits?: RateLimits;
  /** What CAA and dns-persist-01 records call this CA: lower-case A-labels. */
  readonly caaIdentities: readonly string[];
  /** For which names CAA is looked up; `public`: all that are not in one of validation.privateZones. */
  readonly caa: 'off' | 'public' | 'all';
  /** Whether an authorization for a domain may stand for all names below it (RFC 9444). */
  readonly subdomains: boolean;
  readonly termsOfService?: string;
  /** Accounts that agreed to other terms get no new orders until they agree to these. */
  readonly agreeAgain: boolean;
  readonly website?: string;
  readonly limits: DirectoryLimits;
  /** Roots of device attestations (DER in base64) by their format; without an entry, a format is not taken. */
  readonly attestation: ReadonlyMap<string, readonly string[]>;
  /** Absent where orders do not renew themselves. */
  readonly star?: StarSettings;
}

export interface ValidationSettings {
  readonly http01Port: number;
  readonly tlsAlpn01Port: number;
  /** Ports that a redirect may lead to. */
  readonly redirectPorts: readonly number[];
  /** `system`, or servers with their ports; those of a zone for its names and all below it. */
  readonly resolvers: 'system' | readonly Listen[];
  readonly zoneResolvers: ReadonlyMap<string, readonly Listen[]>;
  /** Names answered from here before any resolver is asked; addresses in canonical text. */
  readonly hosts: ReadonlyMap<string, readonly string[]>;
  /** CIDR text. Only addresses in `allow` and not in `deny` are dialled. */
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  /** Whether loopback addresses may be dialled: development only. */
  readonly loopback: boolean;
  readonly connectTimeoutMs: number;
  readonly totalTimeoutMs: number;
  /** DNS suffixes that nobody outside sees: no public zone has records for them. */
  readonly privateZones: readonly string[];
  readonly attempts: number;
  readonly attemptSpacingMs: number;
}

/** The server's own TLS certificate, issued by itself. */
export interface OwnCertificate {
  readonly profile: string;
  /** The configured names and the hosts of all external URLs. */
  readonly names: readonly Name[];
  /** Name of the policy that allows exactly `names` to the server itself; part of `policies`. */
  readonly policy: string;
}
