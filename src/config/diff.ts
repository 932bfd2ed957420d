/** What changes between two generations, key by key, and which of it takes a restart. Pure; shows no secret. */
import { describe, type Plain } from './canonical.ts';
import type { Generation } from './generation.ts';

export interface Difference {
  /** `profiles.server.shape.validity` */
  readonly key: string;
  /** Absent when the key is new. */
  readonly from?: unknown;
  /** Absent when the key is gone. */
  readonly to?: unknown;
  /** Whose restart it takes to come into force; absent when applying is enough. */
  readonly restart?: 'front' | 'signer' | 'both';
}

/** In order of the keys; none when both say the same. */
export function differences(from: Generation, to: Generation): Difference[] {
  return compare(describe(from), describe(to), '');
}

function compare(from: Plain, to: Plain, at: string): Difference[] {
  const names = [...new Set([...Object.keys(from), ...Object.keys(to)])].toSorted();
  return names.flatMap((name): Difference[] => {
    const [before, after] = [from[name], to[name]];
    const key = at === '' ? name : `${at}.${name}`;
    if (isPlain(before) && isPlain(after)) return compare(before, after, key);
    if (JSON.stringify(before) === JSON.stringify(after)) return [];
    const restart = RESTARTS.find(({ keys }) => keys.test(key))?.restart;
    return [
      {
        key,
        ...(before === undefined ? {} : { from: before }),
        ...(after === undefined ? {} : { to: after }),
        ...(restart === undefined ? {} : { restart }),
      },
    ];
  });
}

const isPlain = (value: unknown): value is Plain =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The first that fits. The signer reads its configuration for itself, when it starts: no front can change it. */
const RESTARTS: readonly { readonly keys: RegExp; readonly restart: 'front' | 'signer' | 'both' }[] = [
  { keys: /^(mode|realm)$|^machine\.signer(\.(id|socket|stateDirectory)$|$)/, restart: 'both' },
  { keys: /^machine\.(signer|pinSources)/, restart: 'signer' },
  { keys: /^(machine|validation)\./, restart: 'front' },
  {
    keys: /^issuers(\.[^.]+)?$|^issuers\.[^.]+\.(?!group|root)/,
    restart: 'signer',
  },
  { keys: /^profiles\.[^.]+(\.shape|$)/, restart: 'signer' },
];

/**
 * For people: `+` new, `-` gone, `~` other than before; of lists, what came and what went.
 * Ends with the number of changes and what they take to come into force.
 */
export function differencesText(found: readonly Difference[]): string {
  if (found.length === 0) return 'no changes';
  const restarts = new Set(
    found.flatMap(({ restart }) => (restart === undefined ? [] : restart === 'both' ? ['front', 'signer'] : [restart])),
  );
  const count = `${found.length} ${found.length === 1 ? 'change' : 'changes'}`;
  const needs =
    restarts.size === 0 ? '' : `; marked ones take a restart of the ${[...restarts].toSorted().join(' and the ')}`;
  return [...found.map(differenceLine), `${count}${needs}`].join('\n');
}

function differenceLine(difference: Difference): string {
  const { key, from, to, restart } = difference;
  const mark = restart === undefined ? '' : `  [restart: ${restart === 'both' ? 'front, signer' : restart}]`;
  if (!('from' in difference)) return `+ ${key}: ${short(to)}${mark}`;
  if (!('to' in difference)) return `- ${key}: ${short(from)}${mark}`;
  if (!Array.isArray(from) || !Array.isArray(to)) return `~ ${key}: ${short(from)} -> ${short(to)}${mark}`;
  const [before, after] = [from.map(short), to.map(short)];
  const moves = [
    ...after.filter((entry) => !before.includes(entry)).map((entry) => `+ ${entry}`),
    ...before.filter((entry) => !after.includes(entry)).map((entry) => `- ${entry}`),
  ];
  return `~ ${key}: ${moves.length === 0 ? `in another order: ${after.join(', ')}` : moves.join(', ')}${mark}`;
}

/** Texts without quotes, the rest as JSON, cut to fit a line. */
function short(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 100 ? `${text.slice(0, 99)}…` : text;
}
