/** The files of a configuration directory, each read as far as it can be. What they say is not judged here. */
import { readdirSync, readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { readBlockedKeys } from './blocked-keys.ts';
import { caKeys } from './ca-file.ts';
import { type directoryKeys, readDirectory } from './directory-entry.ts';
import { parseConfigDocument } from './document.ts';
import { didYouMean, type FaultList, type FaultsOf, type KeyPath, shown } from './fault.ts';
import { issuerKeys } from './issuer-file.ts';
import { policyKeys } from './policy-file.ts';
import { profileKeys } from './profile-file.ts';
import { type Keys, type Read, readKeys, Unfit } from './schema.ts';
import { simpleName } from './values.ts';

/** One file, as far as it could be read. */
export interface ConfigFile<K extends Keys> {
  read: Read<K>;
  readonly faults: FaultsOf;
}

/** All files, by the name that others refer to them with. */
export interface ConfigFiles {
  readonly ca: ConfigFile<typeof caKeys>;
  readonly directories: ReadonlyMap<string, Read<typeof directoryKeys>>;
  readonly issuers: ReadonlyMap<string, ConfigFile<typeof issuerKeys>>;
  readonly profiles: ReadonlyMap<string, ConfigFile<typeof profileKeys>>;
  readonly policies: ReadonlyMap<string, ConfigFile<typeof policyKeys>>;
  readonly blockedKeys: ReadonlySet<string>;
}

const FOLDERS = ['issuers', 'profiles', 'policy'] as const;

/** undefined when the directory cannot be read at all; the faults say why. */
export function readFiles(directory: string, faults: FaultList): ConfigFiles | undefined {
  let entries: string[];
  try {
    entries = readdirSync(directory);
  } catch (error) {
    faults.of(directory).add([], `${whyUnreadable(error)}; CHANCERY_CONFIG names the directory that holds ca.yaml`);
    return undefined;
  }
  for (const entry of entries.filter(isVisible)) {
    if (entry !== 'ca.yaml' && !isFolder(entry) && (/\.ya?ml$/.test(entry) || !entry.includes('.'))) {
      faults
        .of(join(directory, entry))
        .add(
          [],
          `is not read${didYouMean(entry, ['ca.yaml', ...FOLDERS])}; known are ca.yaml, ${FOLDERS.join('/, ')}/`,
        );
    }
  }
  const ca = readFile(join(directory, 'ca.yaml'), caKeys, faults);
  const directories = new Map<string, Read<typeof directoryKeys>>();
  for (const [name, data] of Object.entries(ca.read.directories ?? {})) {
    checkName(name, ca.faults, ['directories', name]);
    directories.set(name, readDirectory(data, ['directories', name], ca.faults));
  }
  if (ca.read.directories !== undefined && directories.size === 0)
    ca.faults.add(['directories'], 'is empty: name at least one, such as default');
  return {
    ca,
    directories,
    issuers: readFolder(directory, 'issuers', issuerKeys, faults),
    profiles: readFolder(directory, 'profiles', profileKeys, faults),
    policies: readFolder(directory, 'policy', policyKeys, faults),
    blockedKeys: readBlocked(directory, ca.read.blockedKeys, faults),
  };
}

function readBlocked(directory: string, file: string | undefined, faults: FaultList): ReadonlySet<string> {
  if (file === undefined) return new Set();
  const path = isAbsolute(file) ? file : join(directory, file);
  return readBlockedKeys(path, faults.of(path), whyUnreadable);
}

function readFolder<K extends Keys>(
  directory: string,
  folder: string,
  keys: K,
  faults: FaultList,
): Map<string, ConfigFile<K>> {
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

function checkName(name: string, faults: FaultsOf, at: KeyPath): void {
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
  ENOENT: 'does not exist',
  EACCES: 'may not be read by this user',
  ENOTDIR: 'is not a directory',
  EISDIR: 'is a directory, not a file',
};

function whyUnreadable(error: unknown): string {
  const code = String((error as NodeJS.ErrnoException).code);
  return REASONS[code] ?? `cannot be read (${shown(code)})`;
}
