/**
 * From the files of ca-config/ to a generation, or to everything that is wrong with them.
 *
 * Each file is read key by key, so that one fault hides no other; then references between files are checked, then what
 * production mode refuses. Only a configuration without a single fault becomes a generation.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Assembled, assemble } from './assemble.ts';
import { type caKeys, checkCa } from './ca-file.ts';
import { checkDirectory, type directoryKeys, withInherited } from './directory-entry.ts';
import { checkReferences } from './cross-references.ts';
import { databaseUrl } from './database-url.ts';
import { type Fault, FaultList } from './fault.ts';
import { type ConfigFiles, readFiles } from './files.ts';
import type { Generation } from './generation.ts';
import { checkIssuer } from './issuer-file.ts';
import { checkPolicy } from './policy-file.ts';
import { checkProduction } from './production.ts';
import { checkProfile } from './profile-file.ts';
import { type Complete, type Keys, type Read, Unfit } from './schema.ts';

export type Environment = Readonly<Record<string, string | undefined>>;
export type LoadedConfig = { readonly generation: Generation } | { readonly faults: readonly Fault[] };

/**
 * Reads and checks a configuration directory. Looks at nothing but its files, the environment, and which of the
 * PKCS#11 modules exists.
 * @param directory as faults are to name it, such as `ca-config`
 * @param stateDirectory what relative paths in the configuration are relative to; made absolute
 * @param environment CHANCERY_DATABASE and CHANCERY_PIN_FILE are read
 */
export function loadConfig(directory: string, stateDirectory: string, environment: Environment = {}): LoadedConfig {
  const faults = new FaultList();
  const files = readFiles(directory, faults);
  if (files === undefined) return { faults: faults.all() };

  const fromEnvironment = faults.of('environment');
  const database = environment['CHANCERY_DATABASE'];
  if (database !== undefined && files.ca.read.database !== undefined) {
    try {
      files.ca.read = { ...files.ca.read, database: databaseUrl(database) };
    } catch (error) {
      if (!(error instanceof Unfit)) throw error;
      fromEnvironment.add(['CHANCERY_DATABASE'], error.message);
    }
  }
  const pinFile = environment['CHANCERY_PIN_FILE'];

  checkCa(files.ca.read, files.ca.faults);
  for (const { read, faults: own } of files.profiles.values()) checkProfile(read, own);
  for (const { read, faults: own } of files.policies.values()) checkPolicy(read, own);
  for (const { read, faults: own } of files.issuers.values()) checkIssuer(read, own);
  for (const name of files.directories.keys()) checkDirectory(name, files.directories, files.ca.faults);
  checkReferences(files);
  for (const { read, faults: own } of files.issuers.values()) {
    if (read.key !== undefined && read.key.pinSource === undefined && pinFile === undefined) {
      own.add(['key'], 'has no pin-source, and CHANCERY_PIN_FILE is not set: the signer could not log in');
    }
    if (read.ocsp !== undefined && read.ocsp.key.pinSource === undefined && pinFile === undefined) {
      own.add(['ocsp', 'key'], 'has no pin-source, and CHANCERY_PIN_FILE is not set: the signer could not log in');
    }
  }
  if (files.ca.read.mode === 'production') checkProduction(files);

  const found = faults.all();
  if (found.length > 0) return { faults: found };
  return {
    generation: assemble(
      complete(files),
      resolve(stateDirectory),
      pinFile === undefined ? undefined : resolve(pinFile),
      existsSync,
    ),
  };
}

/** Without a fault, every file was read completely: the one place where that is said to the compiler. */
function complete(files: ConfigFiles): Assembled {
  const whole = <K extends Keys>(map: ReadonlyMap<string, { readonly read: Read<K> }>) =>
    new Map([...map].map(([name, { read }]) => [name, read as Complete<K>]));
  return {
    ca: files.ca.read as Complete<typeof caKeys>,
    directories: new Map(
      [...files.directories.keys()].map((name) => [
        name,
        withInherited(name, files.directories) as Complete<typeof directoryKeys>,
      ]),
    ),
    issuers: whole(files.issuers),
    profiles: whole(files.profiles),
    policies: whole(files.policies),
    blockedKeys: files.blockedKeys,
  };
}
