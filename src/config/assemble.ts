/** From files without a fault to the generation that the server runs on. Nothing is checked here any more. */
import { resolve } from 'node:path';
import type { Name } from '../x509/name.ts';
import { nameKey } from '../x509/name.ts';
import type { caKeys } from './ca-file.ts';
import { type directoryKeys, directoryOf } from './directory-entry.ts';
import { canonicalOf, digestOf } from './canonical.ts';
import { OCSP_POLICY, OWN_POLICY } from './cross-references.ts';
import { databaseUrlFor } from './database-url.ts';
import type { Directory, Generation, Group, Issuer, NameRules, Policy } from './generation.ts';
import { type issuerKeys, issuerOf } from './issuer-file.ts';
import { hostName } from './own-name.ts';
import { type policyKeys, policyOf } from './policy-file.ts';
import { type profileKeys, profileOf } from './profile-file.ts';
import { revocationOf } from './revocation-entry.ts';
import type { Complete } from './schema.ts';
import { range } from './values.ts';

export interface Assembled {
  readonly ca: Complete<typeof caKeys>;
  readonly directories: ReadonlyMap<string, Complete<typeof directoryKeys>>;
  readonly issuers: ReadonlyMap<string, Complete<typeof issuerKeys>>;
  readonly profiles: ReadonlyMap<string, Complete<typeof profileKeys>>;
  readonly policies: ReadonlyMap<string, Complete<typeof policyKeys>>;
  readonly blockedKeys: ReadonlySet<string>;
}

/**
 * @param stateDirectory absolute
 * @param pinFile absolute; for keys whose URI names none
 * @param exists whether a file is there, to choose among PKCS#11 modules
 */
export function assemble(
  files: Assembled,
  stateDirectory: string,
  pinFile: string | undefined,
  exists: (path: string) => boolean,
): Generation {
  const { ca } = files;
  const directories = mapped(files.directories, directoryOf);
  const issuers = new Map(
    [...files.issuers.values()].map((file) => [file.id, issuerOf(file, stateDirectory, pinFile)]),
  );
  const ownNames = namesOf(ca.ownCertificate.names, directories);
  const own = ownPolicy(ca.ownCertificate.profile, ownNames);
  const { lanes, callDeadline, queue, id } = ca.signer;
  const modules = [ca.signer.module].flat();
  const { acme, status, metrics, est, admin } = ca.listeners;
  const { connectTimeout, totalTimeout, attemptSpacing, allow, deny, hosts, zoneResolvers, ...validation } = ca.validation;

  const undigested: Omit<Generation, 'canonical' | 'digest'> = {
    mode: ca.mode,
    realm: ca.realm,
    stateDirectory,
    listeners: {
      acme,
      status,
      metrics,
      ...(est === undefined ? {} : { est }),
      ...(admin === undefined ? {} : { admin }),
    },
    trustedProxies: ca.trustedProxies.map(({ text }) => text),
    database: databaseUrlFor(ca.database, stateDirectory),
    retentionMs: ca.retention,
    fronts: ca.fronts,
    sealingKey: resolve(stateDirectory, ca.sealingKey),
    signer: {
      id,
      callDeadlineMs: callDeadline,
      queue,
      ...(lanes === undefined ? {} : { lanes }),
      socket: resolve(stateDirectory, ca.signer.socket),
      stateDirectory: resolve(stateDirectory, ca.signer.stateDirectory),
      module: modules.find(exists) ?? modules[0] ?? '',
    },
    issuers,
    groups: groupsOf(issuers),
    profiles: mapped(files.profiles, profileOf),
    policies: new Map([...mapped(files.policies, policyOf), [own.name, own], [OCSP_POLICY, responderPolicy(issuers)]]),
    directories,
    blockedKeys: files.blockedKeys,
    validation: {
      ...validation,
      zoneResolvers: new Map(Object.entries(zoneResolvers)),
      hosts: new Map(Object.entries(hosts)),
      allow: allow.map(({ text }) => text),
      deny: deny.map(({ text }) => text),
      connectTimeoutMs: connectTimeout,
      totalTimeoutMs: totalTimeout,
      attemptSpacingMs: attemptSpacing,
    },
    revocation: revocationOf(ca.revocation),
    ocspPolicy: OCSP_POLICY,
    ownCertificate: { profile: ca.ownCertificate.profile, names: ownNames, policy: own.name },
  };
  const canonical = canonicalOf(undigested);
  return { ...undigested, canonical, digest: digestOf(canonical) };
}

const mapped = <From, To>(files: ReadonlyMap<string, From>, make: (name: string, file: From) => To): Map<string, To> =>
  new Map([...files].map(([name, file]) => [name, make(name, file)]));

function groupsOf(issuers: ReadonlyMap<string, Issuer>): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const { id, group, state } of issuers.values()) {
    const known = groups.get(group) ?? { name: group, active: '', issuers: [] };
    groups.set(group, { ...known, active: state === 'active' ? id : known.active, issuers: [...known.issuers, id] });
  }
  return groups;
}

/** What the server may have for its OCSP responders: a name to be read by people, and no other. */
function responderPolicy(issuers: ReadonlyMap<string, Issuer>): Policy {
  return {
    name: OCSP_POLICY,
    description: 'The OCSP responders of this server itself (issuers: ocsp)',
    profiles: [...new Set([...issuers.values()].flatMap(({ ocsp }) => ocsp?.profile ?? []))],
    requesters: ['server:ocsp'],
    allow: { ...NO_NAMES, subject: { commonName: ['OCSP responder of *'] } },
    deny: NO_NAMES,
  };
}

/** The configured names, then the hosts of all URLs that clients may use; each once. */
function namesOf(configured: readonly Name[], directories: ReadonlyMap<string, Directory>): Name[] {
  const hosts = [...directories.values()].flatMap(({ externalUrl, formerUrls }) =>
    [externalUrl, ...formerUrls].map(hostName),
  );
  return [...new Map([...configured, ...hosts].map((name) => [nameKey(name), name])).values()];
}

const NO_NAMES: NameRules = { names: [], suffixes: [], wildcards: [], addresses: [], uris: [], subject: {} };

/** Even the server itself stands at the counter: this is what it may ask for there. */
function ownPolicy(profile: string, names: readonly Name[]): Policy {
  return {
    name: OWN_POLICY,
    description: 'The names of this server itself (ca.yaml: ownCertificate, externalUrl)',
    profiles: [profile],
    requesters: ['server:self'],
    allow: {
      ...NO_NAMES,
      names: names.filter(({ type }) => type === 'dns').map(({ value }) => value),
      addresses: names.filter(({ type }) => type === 'ip').map(({ value }) => range(value)),
    },
    deny: NO_NAMES,
  };
}
