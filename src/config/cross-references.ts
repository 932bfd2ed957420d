/** What one file says about another: every name exists, and every group has exactly one active key for its profiles. */
import { didYouMean, type FaultsOf, type KeyPath } from './fault.ts';
import { withInherited } from './directory-entry.ts';
import type { ConfigFiles } from './files.ts';

export function checkReferences(files: ConfigFiles): void {
  checkIssuerIds(files);
  checkGroups(files);
  checkIssuerProfiles(files);
  checkDirectories(files);
  checkOwnCertificate(files);
  for (const { read, faults } of files.policies.values())
    checkAll('profile', read.profiles, files.profiles, faults, ['profiles']);
}

/** Says so when `name` is none of `known`. Files with faults of their own are known all the same. */
function checkExists(
  what: string,
  name: string,
  known: ReadonlyMap<string, unknown>,
  faults: FaultsOf,
  at: KeyPath,
): boolean {
  if (known.has(name)) return true;
  const near = didYouMean(name, known.keys());
  const others = near || (known.size === 0 ? '; there are none' : `; there are ${[...known.keys()].join(', ')}`);
  faults.add(at, `${what} "${name}" does not exist${others}`);
  return false;
}

function checkAll(
  what: string,
  names: readonly string[] | undefined,
  known: ReadonlyMap<string, unknown>,
  faults: FaultsOf,
  at: KeyPath,
): void {
  for (const [index, name] of names?.entries() ?? []) checkExists(what, name, known, faults, [...at, index]);
}

function checkIssuerIds({ issuers }: ConfigFiles): void {
  const fileOf = new Map<string, string>();
  for (const [file, { read, faults }] of issuers) {
    if (read.id === undefined) continue;
    const other = fileOf.get(read.id);
    if (other !== undefined)
      faults.add(['id'], `"${read.id}" is already the id in issuers/${other}.yaml: an id belongs to one key for ever`);
    fileOf.set(read.id, file);
  }
}

function checkGroups({ issuers, profiles }: ConfigFiles): void {
  const groups = new Map<string, { file: string; active: boolean }[]>();
  for (const [file, { read, faults }] of issuers) {
    if (read.group === undefined || read.state === undefined) continue;
    const members = groups.get(read.group) ?? [];
    const other = members.find(({ active }) => active);
    if (read.state === 'active' && other !== undefined) {
      faults.add(
        ['state'],
        `group "${read.group}" already has an active key, in issuers/${other.file}.yaml: retire one of the two`,
      );
    }
    groups.set(read.group, [...members, { file, active: read.state === 'active' }]);
  }
  // An issuer file without group or state might be the one that is missed.
  if ([...issuers.values()].some(({ read }) => read.group === undefined || read.state === undefined)) return;
  for (const [group, members] of groups) {
    const last = members.at(-1);
    if (last === undefined || members.some(({ active }) => active)) continue;
    issuers.get(last.file)?.faults.add(['state'], `group "${group}" has no active key: set one to state: active`);
  }
  for (const { read, faults } of profiles.values()) {
    if (read.group !== undefined) checkExists('issuer group', read.group, groups, faults, ['group']);
  }
}

function checkIssuerProfiles({ ca, issuers, profiles, directories }: ConfigFiles): void {
  // A group that a directory names signs profiles of other groups there; without ca.yaml nobody knows which.
  const named = new Set([...directories.values()].map(({ group }) => group));
  const isLent = (group: string): boolean => ca.read.directories === undefined || named.has(group);
  for (const { read, faults } of issuers.values()) {
    checkResponder(read, profiles, faults);
    read.profiles?.forEach((name, index) => {
      if (!checkExists('profile', name, profiles, faults, ['profiles', index])) return;
      const group = profiles.get(name)?.read.group;
      if (name === read.ocsp?.profile) return; // of any group: a responder's certificate is signed by the key for which it speaks
      if (group !== undefined && read.group !== undefined && group !== read.group && !isLent(read.group)) {
        faults.add(['profiles', index], `"${name}" belongs to group "${group}", and this key to "${read.group}"`);
      }
    });
  }
  for (const [name, { read, faults }] of profiles) {
    if (read.extendedKeyUsage?.includes('ocspSigning')) continue; // not every key has a responder: see checkResponder
    for (const [file, issuer] of issuers) {
      const { group, state, profiles: signed } = issuer.read;
      if (
        state !== 'active' ||
        group === undefined ||
        group !== read.group ||
        signed === undefined ||
        signed.includes(name)
      )
        continue;
      faults.add(
        [],
        `no key signs this profile: add "${name}" to profiles in issuers/${file}.yaml, or delete this file`,
      );
    }
  }
}

/** The responder's certificate is made from a profile that this key signs. */
function checkResponder(
  { ocsp, profiles: signed }: { readonly ocsp?: { readonly profile: string } | undefined; readonly profiles?: readonly string[] },
  profiles: ConfigFiles['profiles'],
  faults: FaultsOf,
): void {
  const at = ['ocsp', 'profile'];
  if (ocsp === undefined || !checkExists('profile', ocsp.profile, profiles, faults, at)) return;
  if (!profiles.get(ocsp.profile)?.read.extendedKeyUsage?.includes('ocspSigning'))
    faults.add(at, `"${ocsp.profile}" has no ocspSigning: nobody would believe the responder`);
  if (signed !== undefined && !signed.includes(ocsp.profile))
    faults.add(at, `"${ocsp.profile}" is not among the profiles of this key: add it to profiles`);
}

function checkDirectories({ ca, directories, profiles, policies, issuers }: ConfigFiles): void {
  for (const [name, { profiles: offered, policies: binding, challenges }] of directories) {
    const at = ['directories', name];
    checkAll('policy', binding, policies, ca.faults, [...at, 'policies']);
    offered?.forEach((profile, index) => {
      const path = [...at, 'profiles', index];
      if (!checkExists('profile', profile, profiles, ca.faults, path)) return;
      const { internal, names, subject } = profiles.get(profile)?.read ?? {};
      if (internal) ca.faults.add(path, `"${profile}" is internal: no door may offer it`);
      if (names !== undefined && !names.some((type) => type === 'dns' || type === 'ip')) {
        ca.faults.add(path, `"${profile}" takes no dns or ip names, and ACME proves no others here`);
      }
      if (Object.values(subject ?? {}).includes('required') && !challenges?.includes('device-attest-01'))
        ca.faults.add(path, `"${profile}" requires a subject, and an ACME order has none`);
    });
    checkDirectoryGroup(name, { ca, directories, issuers, profiles });
    if (binding?.includes(OCSP_POLICY)) ca.faults.add([...at, 'policies'], `"${OCSP_POLICY}" is for the server itself`);
    if (binding?.includes(OWN_POLICY)) ca.faults.add([...at, 'policies'], `"${OWN_POLICY}" is for the server itself`);
  }
}

/** The group that a directory names has an active key, and that key signs every profile on offer there. */
function checkDirectoryGroup(
  name: string,
  { ca, directories, issuers, profiles: known }: Pick<ConfigFiles, 'ca' | 'directories' | 'issuers' | 'profiles'>,
): void {
  const { group, profiles } = withInherited(name, directories);
  if (group === undefined) return;
  const at = ['directories', name, 'group'];
  const groups = new Map([...issuers.values()].map(({ read }) => [read.group ?? '', read]));
  if (!checkExists('issuer group', group, groups, ca.faults, at)) return;
  const active = [...issuers].find(([, { read }]) => read.group === group && read.state === 'active');
  const missing = profiles?.filter((profile) => known.has(profile) && active?.[1].read.profiles?.includes(profile) === false) ?? [];
  if (active !== undefined && missing.length > 0)
    ca.faults.add(at, `the key of "${group}" does not sign ${missing.join(', ')}: add to profiles in issuers/${active[0]}.yaml`);
}

/** The policy that is made from ca.yaml's ownCertificate. */
export const OWN_POLICY = 'own-certificate';
/** The policy that is made for OCSP responders. */
export const OCSP_POLICY = 'ocsp-responders';

function checkOwnCertificate({ ca, profiles, policies }: ConfigFiles): void {
  policies
    .get(OWN_POLICY)
    ?.faults.add([], 'has the name of the policy that is made from ownCertificate in ca.yaml: call it otherwise');
  policies.get(OCSP_POLICY)?.faults.add([], 'has the name of the policy that is made for OCSP responders: call it otherwise');
  const profile = ca.read.ownCertificate?.profile;
  const at = ['ownCertificate', 'profile'];
  if (profile === undefined || !checkExists('profile', profile, profiles, ca.faults, at)) return;
  const { extendedKeyUsage, subject } = profiles.get(profile)?.read ?? {};
  if (extendedKeyUsage !== undefined && !extendedKeyUsage.includes('serverAuth'))
    ca.faults.add(at, `"${profile}" has no serverAuth: clients would refuse it`);
  if (Object.values(subject ?? {}).includes('required'))
    ca.faults.add(at, `"${profile}" requires a subject, and the server has none`);
}
