/** What the operator can have done over the admin socket, in terms of the parts of a running front. */
import { decideAll } from '../ca/issuance/issue.ts';
import type { OpenCa } from '../ca/open.ts';
import type { Authority } from '../ca/issuance/issuer-key.ts';
import type { Clock } from '../clock.ts';
import { differences } from '../config/diff.ts';
import { didYouMean, faultReport } from '../config/fault.ts';
import type { Generation } from '../config/generation.ts';
import { loadConfig } from '../config/load.ts';
import type { RenewalParts } from '../ca/renewal/pull.ts';
import type { Seal } from '../database/seal.ts';
import { OperatorMistake, type Operations } from '../doors/admin/admin.ts';
import type { Signer } from '../signing/client.ts';
import { type Name, parseDnsName, parseIpName, type ParsedName } from '../x509/name.ts';
import { accessOperations } from './access-operations.ts';
import { AuthorityFault } from './authority.ts';
import { challengeOperations } from './challenge-operations.ts';
import { renewalOperations } from './renewal-operations.ts';
import { revocationOperations } from './revocation-operations.ts';

export interface OperationParts extends RenewalParts {
  readonly environment: NodeJS.ProcessEnv;
  /** The directory that was loaded at the start, and is read again. */
  readonly configDirectory: string;
  readonly authority: () => Authority;
  readonly adopt: (generation: Generation, by: string) => Promise<void>;
  readonly signer: Signer;
  readonly ca: Pick<OpenCa, 'freshness'>;
  readonly seal: Seal;
  readonly clock: Clock;
  readonly readiness: () => { readonly ready: boolean; readonly reasons: readonly string[] };
}

export function operationsOf(parts: OperationParts): Operations {
  const generation = (): Generation => parts.authority().generation;
  return {
    ...renewalOperations(parts),
    ...challengeOperations(parts, generation().realm),
    ...revocationOperations(parts),
    ...accessOperations({ ...parts, realm: generation().realm, by: 'operator' }, generation),

    async status() {
      const { signer, ca, clock } = parts;
      return { ...parts.readiness(), now: clock.now(), signer: { id: signer.id, state: signer.state() }, configuration: generation().digest, ...(await ca.freshness()) };
    },

    async applyConfiguration(dryRun) {
      const loaded = loadConfig(parts.configDirectory, generation().stateDirectory, parts.environment);
      if ('faults' in loaded) throw new OperatorMistake(faultReport(loaded.faults, 'nothing applied'));
      const changes = differences(generation(), loaded.generation);
      if (dryRun || loaded.generation.digest === generation().digest) return { digest: loaded.generation.digest, changes, applied: false };
      try {
        await parts.adopt(loaded.generation, 'operator');
      } catch (error) {
        if (error instanceof AuthorityFault) throw new OperatorMistake(error.message);
        throw error;
      }
      return { digest: loaded.generation.digest, changes, applied: true };
    },

    explain(question) {
      const { directory: name, profile: asked, names } = question as { directory: string; profile?: string; names: string[] };
      const directory = generation().directories.get(name);
      if (directory === undefined) {
        throw new OperatorMistake(`there is no directory "${name}": it is one of ${[...generation().directories.keys()].join(', ')}`);
      }
      const profile = asked ?? directory.defaultProfile;
      if (!generation().profiles.has(profile)) {
        throw new OperatorMistake(`there is no profile "${profile}"${didYouMean(profile, directory.profiles)}: this directory offers ${directory.profiles.join(', ')}`);
      }
      const reasons = decideAll(parts.authority(), {
        profile, names: names.map(nameFrom), requester: {
          kind: 'acme-account', id: 'anybody', policies: directory.policies, ...(directory.group === undefined ? {} : { group: directory.group }),
        },
      }, parts.clock.now()).map(({ kind, message, remedy }) => ({ kind, detail: message, ...(remedy === undefined ? {} : { remedy }) }));
      if (!directory.profiles.includes(profile)) reasons.unshift({ kind: 'profile-not-allowed', detail: `directory "${name}" does not offer profile "${profile}"`, remedy: `add it to directories.${name}.profiles in ca.yaml` });
      return { allowed: reasons.length === 0, directory: name, profile, reasons };
    },
  };
}

/** A name as an operator types it: an IP address where it reads as one, else a URI or a DNS name. */
function nameFrom(text: string): Name {
  const attempts: [Name['type'], ParsedName][] = [['ip', parseIpName(text)], ['dns', parseDnsName(text)]];
  const found = attempts.find(([, parsed]) => parsed.value !== undefined);
  if (found?.[1].value !== undefined) return { type: found[0], value: found[1].value };
  if (text.includes('://')) return { type: 'uri', value: text };
  throw new OperatorMistake(`"${text}" is no name: ${attempts[1]?.[1].fault ?? ''}`);
}
