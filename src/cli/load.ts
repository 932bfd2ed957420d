/** The configuration as a command needs it: a generation, or every fault in one message. */
import { statSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { faultReport } from '../config/fault.ts';
import type { Generation } from '../config/generation.ts';
import { loadConfig } from '../config/load.ts';
import { Mistake } from './command.ts';

export const CHECKOUT = resolve(import.meta.dirname, '../..');

export interface Places {
  /** As faults name it: relative to where the user stands when it is below that. */
  readonly config: string;
  readonly state: string;
}

/** CHANCERY_CONFIG and CHANCERY_STATE, or `ca-config` and `var` of the checkout. */
export function places(environment: NodeJS.ProcessEnv): Places {
  const config = resolve(environment['CHANCERY_CONFIG'] ?? resolve(CHECKOUT, 'ca-config'));
  const fromHere = relative(process.cwd(), config);
  return {
    config: fromHere === '' || fromHere.startsWith('..') ? config : fromHere,
    state: resolve(environment['CHANCERY_STATE'] ?? resolve(CHECKOUT, 'var')),
  };
}

/** Throws Mistake with all faults, one a line. */
export function loadGeneration(environment: NodeJS.ProcessEnv): Generation {
  const { config, state } = places(environment);
  if (isFile(state)) throw new Mistake(`the state directory ${state} is a file, or below one: set CHANCERY_STATE to a directory`);
  const loaded = loadConfig(config, state, environment);
  if ('faults' in loaded) throw new Mistake(`the configuration cannot be used\n${faultReport(loaded.faults, 'not starting')}`);
  return loaded.generation;
}

/** Whether the path, or what of it there is, is no directory. */
function isFile(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? isFile(dirname(path)) : !stat.isDirectory();
}
