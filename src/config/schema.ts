/** How zod speaks in this house: unknown keys refused with the nearest name, every message a clause after the key. */
import { z } from 'zod';
import { didYouMean, type FaultsOf, type KeyPath, shown } from './fault.ts';

/** What may stand in a file, key by key. */
export type Keys = Readonly<Record<string, z.ZodType>>;
/** What could be read of a file: a key with a fault is absent, so that its neighbours can still be checked. */
export type Read<K extends Keys> = { readonly [Key in keyof K]?: z.output<K[Key]> };
/** What a file without a fault says. */
export type Complete<K extends Keys> = { readonly [Key in keyof K]: z.output<K[Key]> };

/** A mapping with these keys and no others. */
export const mapping = <K extends Keys>(keys: K) =>
  z.strictObject(keys, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? unknownKeys(issue.keys, keys) : undefined),
  });

/**
 * Reads a mapping key by key: a fault in one does not hide those in the others, nor the references to them.
 * Every fault goes to `faults`; what is returned holds the sound keys only.
 */
export function readKeys<K extends Keys>(keys: K, data: unknown, faults: FaultsOf, at: KeyPath = []): Read<K> {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    faults.add(
      at,
      data === null || data === undefined ? 'is empty' : `${shown(data)} is not a mapping of keys to values`,
    );
    return {};
  }
  const given = new Map(Object.entries(data));
  for (const key of given.keys()) if (!Object.hasOwn(keys, key)) faults.add([...at, key], unknownKey(key, keys));
  const read: Record<string, unknown> = {};
  for (const [key, schema] of Object.entries(keys)) {
    const result = schema.safeParse(given.get(key), { error: message });
    if (result.success) read[key] = result.data;
    else for (const issue of result.error.issues) addIssue(issue, [...at, key], faults);
  }
  return read as Read<K>;
}

function addIssue(issue: z.core.$ZodIssue, at: KeyPath, faults: FaultsOf): void {
  const path = [...at, ...issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))];
  if (issue.code === 'unrecognized_keys') {
    // One fault per key, under the key; the schema left what to say, one line each.
    for (const [index, problem] of issue.message.split('\n').entries())
      faults.add([...path, issue.keys[index] ?? ''], problem);
  } else {
    faults.add(path, issue.message);
  }
}

const unknownKeys = (given: readonly string[], keys: Keys): string =>
  given.map((key) => unknownKey(key, keys)).join('\n');

const unknownKey = (key: string, keys: Keys): string => {
  const known = Object.keys(keys);
  return `is no key here${didYouMean(key, known) || `; known are ${known.join(', ')}`}`;
};

const EXPECTED: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

/** What zod found, as a clause. Schemas with more to say bring their own `error`. */
function message(issue: z.core.$ZodRawIssue): string {
  if (issue.input === undefined) return 'is missing';
  const value = shown(issue.input);
  switch (issue.code) {
    case 'invalid_type':
      return `${value} is not ${EXPECTED[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `${value} is not one of ${issue.values.join(', ')}${didYouMean(String(issue.input), issue.values.map(String))}`;
    case 'too_small':
      return issue.origin === 'array'
        ? 'is an empty list'
        : issue.origin === 'string'
          ? 'is empty'
          : `${value} is less than ${issue.minimum}`;
    case 'too_big':
      return issue.origin === 'array'
        ? `has more than ${issue.maximum} entries`
        : `${value} is more than ${issue.maximum}`;
    case 'invalid_key':
      return `${value} cannot be a name: ${issue.issues[0]?.message ?? 'it has a fault'}`;
    default:
      return `${value} cannot stand here`;
  }
}

/** Text that `parse` turns into something better; what it throws (`Unfit`) becomes the fault. */
export const parsed = <T>(parse: (text: string) => T) =>
  z.unknown().transform((input, context): T => {
    try {
      if (input === undefined) throw new Unfit('is missing');
      return parse(typeof input === 'string' ? input : notText(input, parse));
    } catch (error) {
      if (!(error instanceof Unfit)) throw error;
      context.issues.push({ code: 'custom', message: error.message, input });
      return z.NEVER;
    }
  });

/** What fits one of the schemas; otherwise the value `is ${clause}`. */
export const either = <S extends readonly [z.ZodType, z.ZodType]>(schemas: S, clause: string) =>
  z.union(schemas, { error: ({ input }) => (input === undefined ? 'is missing' : `${shown(input)} is ${clause}`) });

/** Why a text is not what it should be: a clause that follows the key. */
export class Unfit extends Error {
  override readonly name = 'Unfit';
}

/** Numbers are read as the text they are, so that `validity: 90` gets the same answer as `validity: "90"`. */
function notText(input: unknown, parse: (text: string) => unknown): string {
  if (typeof input !== 'number') throw new Unfit(`${shown(input)} is not text`);
  parse(String(input));
  return String(input);
}
