/**
 * From the files of ca-config/ to a generation, or to everything that is wrong with them.
 *
 * Each file is read key by key, so that one fault hides no other; then references between files are checked, then what
 * production mode refuses. Only a configuration without a single fault becomes a generation.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Assembled, assemble } from './assemble.ts';
import { caKeys, checkCa, checkDirectory, directoryKeys } from './ca-file.ts';
import { checkReferences } from './cross-references.ts';
import { databaseUrl } from './database-url.ts';
import { type ConfigDocument, parseConfigDocument } from './document.ts';
import { didYouMean, type Fault, FaultList, shown } from './fault.ts';
import type { Generation } from './generation.ts';
import { checkIssuer, issuerKeys } from './issuer-file.ts';
import { checkPolicy, policyKeys } from './policy-file.ts';
import { checkProduction } from './production.ts';
import { checkProfile, profileKeys } from './profile-file.ts';
import { type Complete, type Keys, type Read, readKeys, Unfit } from './schema.ts';
import { simpleName } from './values.ts';

export type Environment = Readonly<Record<string, string | undefined>>;
export type LoadedConfig = { readonly generation: Generation } | { readonly faults: readonly Fault[] };

/**
 * Reads and checks a configuration directory. Nothing but its files, the environment and the existence of PKCS#11 modules is looked at.
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
  for (const [name, read] of files.directories) checkDirectory(read, ['directories', name], files.ca.faults);
  checkReferences(files);
  for (const { read, faults: own } of files.issuers.values()) {
    if (read.key !== undefined && read.key.pinSource === undefined && pinFile === undefined) {
      own.add(['key'], 'has no pin-source, and CHANCERY_PIN_FILE is not set: the signer could not log in');
    }
  }
  if (files.ca.read.mode === 'production') checkProduction(files);

  const found = faults.all();
  if (found.length > 0) return { faults: found };
  return { generation: assemble(complete(files), resolve(stateDirectory), pinFile === undefined ? undefined : resolve(pinFile), existsSync) };
}

/** One file, as far as it could be read. */
export interface ConfigFile<K extends Keys> {
  read: Read<K>;
  readonly faults: ConfigDocument['faults'];
}

/** All files, by the name that others refer to them with. */
export interface ConfigFiles {
  readonly ca: ConfigFile<typeof caKeys>;
  readonly directories: ReadonlyMap<string, Read<typeof directoryKeys>>;
  readonly issuers: ReadonlyMap<string, ConfigFile<typeof issuerKeys>>;
  readonly profiles: ReadonlyMap<string, ConfigFile<typeof profileKeys>>;
  readonly policies: ReadonlyMap<string, ConfigFile<typeof policyKeys>>;
}

const FOLDERS = ['issuers', 'profiles', 'policy'] as const;

function readFiles(directory: string, faults: FaultList): ConfigFiles | undefined {
  let entries: string[];
  try {
    entries = readdirSync(directory);
  } catch (error) {
    faults.of(directory).add([], `${whyUnreadable(error)}; CHANCERY_CONFIG names the directory that holds ca.yaml`);
    return undefined;
  }
  for (const entry of entries.filter(isVisible)) {
    if (entry !== 'ca.yaml' && !isFolder(entry) && (/\.ya?ml$/.test(entry) || !entry.includes('.'))) {
      faults.of(join(directory, entry)).add([], `is not read${didYouMean(entry, ['ca.yaml', ...FOLDERS])}; known are ca.yaml, ${FOLDERS.join('/, ')}/`);
    }
  }
  const ca = readFile(join(directory, 'ca.yaml'), caKeys, faults);
  const directories = new Map<string, Read<typeof directoryKeys>>();
  for (const [name, data] of Object.entries(ca.read.directories ?? {})) {
    checkName(name, ca.faults, ['directories', name]);
    directories.set(name, readKeys(directoryKeys, data, ca.faults, ['directories', name]));
  }
  if (ca.read.directories !== undefined && directories.size === 0) ca.faults.add(['directories'], 'is empty: name at least one, such as default');
  return {
    ca, directories,
    issuers: readFolder(directory, 'issuers', issuerKeys, faults),
    profiles: readFolder(directory, 'profiles', profileKeys, faults),
    policies: readFolder(directory, 'policy', policyKeys, faults),
  };
}

function readFolder<K extends Keys>(directory: string, folder: string, keys: K, faults: FaultList): Map<string, ConfigFile<K>> {
  const found = new Map<string, ConfigFile<K>>();
  let entries: string[] = [];
  try {
    entries = readdirSync(join(directory, folder)).filter(isVisible).toSorted();
  } catch (error) {
    faults.of(join(directory, folder)).add([], whyUnreadable(error));
  }
  for (const entry of entries) {
    const path = join(directory, folder, entry);
    if (entry.endsWith('.yaml')) {
      const name = entry.slice(0, -'.yaml'.length);
      checkName(name, faults.of(path), []);
      found.set(name, readFile(path, keys, faults));
    } else if (entry.endsWith('.yml')) {
      faults.of(path).add([], `is not read: call it ${entry.slice(0, -'.yml'.length)}.yaml`);
    }
  }
  return found;
}

function readFile<K extends Keys>(path: string, keys: K, faults: FaultList): ConfigFile<K> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    faults.of(path).add([], whyUnreadable(error));
    return { read: {}, faults: faults.of(path) };
  }
  const document = parseConfigDocument(path, text, faults);
  if (document === undefined) return { read: {}, faults: faults.of(path) };
  return { read: readKeys(keys, document.data, document.faults), faults: document.faults };
}

function checkName(name: string, faults: ConfigDocument['faults'], at: readonly string[]): void {
  try {
    simpleName(name);
  } catch (error) {
    if (!(error instanceof Unfit)) throw error;
    faults.add(at, error.message);
  }
}

const isVisible = (entry: string): boolean => !entry.startsWith('.') && !entry.endsWith('~');
const isFolder = (entry: string): boolean => (FOLDERS as readonly string[]).includes(entry);

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist', EACCES: 'may not be read by this user', ENOTDIR: 'is not a directory', EISDIR: 'is a directory, not a file',
};

function whyUnreadable(error: unknown): string {
  const code = String((error as NodeJS.ErrnoException).code);
  return REASONS[code] ?? `cannot be read (${shown(code)})`;
}

/** Without a fault, every file was read completely: the one place where that is said to the compiler. */
function complete(files: ConfigFiles): Assembled {
  const whole = <K extends Keys>(map: ReadonlyMap<string, { readonly read: Read<K> }>) =>
    new Map([...map].map(([name, { read }]) => [name, read as Complete<K>]));
  return {
    ca: files.ca.read as Complete<typeof caKeys>,
    directories: files.directories as ReadonlyMap<string, Complete<typeof directoryKeys>>,
    issuers: whole(files.issuers), profiles: whole(files.profiles), policies: whole(files.policies),
  };
}
