/** `chancery config`: check, diff and show work on directories and need no server; apply asks the running one. */
import { stringify } from 'yaml';
import { describe } from '../config/canonical.ts';
import { type Difference, differences, differencesText } from '../config/diff.ts';
import { type Fault, faultReport } from '../config/fault.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { ask } from './admin-socket.ts';
import { type Command, EXIT_MISTAKE, Mistake } from './command.ts';
import { places } from './load.ts';

export const config: Command = {
  name: 'config',
  help: `usage: chancery config check [DIRECTORY] [--json]
       chancery config show  [DIRECTORY] [--json]
       chancery config diff  [OLD [NEW]] [--json]
       chancery config apply [--dry-run] [--json]

  check   reads the whole configuration and tells every fault, with file, key and remedy; exit code 2 when there is one
  show    prints what the configuration means, defaults and all, without any password
  diff    OLD against NEW (CHANCERY_CONFIG when left out); without OLD, what apply would change in the running server
  apply   has the running server read its configuration again and take it up, all or nothing; says what changed

DIRECTORY is CHANCERY_CONFIG, or ca-config, when left out. Nothing but apply changes anything.

  scripts/chancery config check
  cp -r ca-config before && $EDITOR ca-config/ca.yaml && scripts/chancery config diff before
  scripts/chancery config apply --dry-run && scripts/chancery config apply
  scripts/chancery config show --json | jq .policies`,
  run: (args) =>
    configCommand(args, {
      environment: process.env,
      print: console.log,
      apply: async (dryRun) => (await ask('POST', '/config/apply', { dryRun })) as Applied,
    }),
};

/** What the server says to apply; of a dry run, `applied` is false. */
export interface Applied {
  readonly digest: string;
  readonly changes: readonly Difference[];
  readonly applied: boolean;
}

export interface ConfigCommandParts {
  readonly environment: NodeJS.ProcessEnv;
  readonly print: (text: string) => void;
  readonly apply: (dryRun: boolean) => Promise<Applied>;
}

/** Resolves to the exit code: 2 when a configuration has faults. Throws Mistake for a wrong command line. */
export async function configCommand([verb, ...rest]: readonly string[], parts: ConfigCommandParts): Promise<number> {
  const run = VERBS.get(verb ?? '');
  if (run === undefined)
    throw new Mistake(
      `${verb === undefined ? 'say what to do' : `there is no "${verb}"`}: check, show, diff or apply (chancery config --help)`,
    );
  const { most, flags, act } = run;
  const unknown = rest.find((arg) => arg.startsWith('-') && !flags.includes(arg));
  if (unknown !== undefined) throw new Mistake(`config ${verb} has no option ${unknown} (chancery config --help)`);
  const directories = rest.filter((arg) => !arg.startsWith('-'));
  if (directories.length > most)
    throw new Mistake(`config ${verb} does not take "${directories[most]}" (chancery config --help)`);
  return act(parts, { directories, json: rest.includes('--json'), dryRun: rest.includes('--dry-run') });
}

interface Options {
  readonly directories: readonly string[];
  readonly json: boolean;
  readonly dryRun: boolean;
}

interface Verb {
  /** Directories that it takes at most. */
  readonly most: number;
  readonly flags: readonly string[];
  readonly act: (parts: ConfigCommandParts, options: Options) => Promise<number> | number;
}

const VERBS: ReadonlyMap<string, Verb> = new Map([
  ['check', { most: 1, flags: ['--json'], act: check }],
  ['show', { most: 1, flags: ['--json'], act: show }],
  ['diff', { most: 2, flags: ['--json'], act: diff }],
  ['apply', { most: 0, flags: ['--json', '--dry-run'], act: apply }],
]);

function check(parts: ConfigCommandParts, { directories, json }: Options): number {
  const loaded = load(parts, directories[0]);
  if ('faults' in loaded) return tellFaults(parts, loaded, json);
  const { digest, mode, issuers, profiles, policies, directories: acme, ownCertificate } = loaded.generation;
  const written = [...policies.keys()].filter((name) => name !== ownCertificate.policy);
  const sizes = [
    counted(issuers.size, 'issuer key'),
    counted(profiles.size, 'profile'),
    counted(written.length, 'policy', 'policies'),
    counted(acme.size, 'ACME directory', 'ACME directories'),
  ];
  parts.print(
    json
      ? JSON.stringify({ ok: true, digest, faults: [] })
      : `no faults: ${mode} mode, ${sizes.join(', ')}\ndigest ${digest}`,
  );
  return 0;
}

function show(parts: ConfigCommandParts, { directories, json }: Options): number {
  const loaded = load(parts, directories[0]);
  if ('faults' in loaded) return tellFaults(parts, loaded, json);
  const shown = { digest: loaded.generation.digest, ...describe(loaded.generation) };
  parts.print(json ? JSON.stringify(shown) : stringify(shown).trimEnd());
  return 0;
}

async function diff(parts: ConfigCommandParts, { directories, json }: Options): Promise<number> {
  const [old, next] = directories;
  if (old === undefined) {
    const { changes } = await parts.apply(true);
    parts.print(json ? JSON.stringify({ changes }) : differencesText(changes));
    return 0;
  }
  const [before, after] = [load(parts, old), load(parts, next)];
  const faults = [before, after].flatMap((loaded) => ('faults' in loaded ? loaded.faults : []));
  if ('faults' in before || 'faults' in after) return tellFaults(parts, { faults }, json);
  const changes = differences(before.generation, after.generation);
  parts.print(json ? JSON.stringify({ changes }) : differencesText(changes));
  return 0;
}

async function apply(parts: ConfigCommandParts, { json, dryRun }: Options): Promise<number> {
  const outcome = await parts.apply(dryRun);
  if (json) parts.print(JSON.stringify(outcome));
  else
    parts.print(
      `${differencesText(outcome.changes)}\n${outcome.applied ? `applied, digest ${outcome.digest}` : 'nothing applied'}`,
    );
  return 0;
}

function load({ environment }: ConfigCommandParts, directory: string | undefined): LoadedConfig {
  const { config: configured, state } = places(environment);
  return loadConfig(directory ?? configured, state, environment);
}

function tellFaults(
  { print }: ConfigCommandParts,
  { faults }: { readonly faults: readonly Fault[] },
  json: boolean,
): number {
  print(json ? JSON.stringify({ ok: false, faults }) : faultReport(faults, 'not usable'));
  return EXIT_MISTAKE;
}

const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;
