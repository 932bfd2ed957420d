/** What is wrong with a configuration: a line each, with file, key and remedy, and all of them at once. */

export type KeyPath = readonly (string | number)[];

export interface Fault {
  /** As it was opened, so that an editor finds it. */
  readonly file: string;
  /** `directories.default.profiles[1]`; empty when the fault is in the file as a whole. */
  readonly key: string;
  readonly problem: string;
  /** Counted from 1, where known. */
  readonly line?: number;
}

/** Collects the faults of one file. */
export interface FaultsOf {
  add(path: KeyPath, problem: string): void;
}

/** The faults of all files, in the order in which they were found. */
export class FaultList {
  readonly #faults: Fault[] = [];

  /** A collector for one file; `lineOf` tells where a key stands. */
  of(file: string, lineOf?: (path: KeyPath) => number | undefined): FaultsOf {
    return {
      add: (path, problem) => {
        const line = lineOf?.(path);
        this.#faults.push({ file, key: withoutSecrets(keyText(path)), problem: withoutSecrets(problem), ...(line === undefined ? {} : { line }) });
      },
    };
  }

  /** By file, and as they stand in it. */
  all(): readonly Fault[] {
    return this.#faults.toSorted((a, b) =>
      a.file < b.file ? -1 : a.file > b.file ? 1 : (a.line ?? 0) - (b.line ?? 0),
    );
  }
}

/** `ca-config/profiles/device.yaml: validity: "90" is not like 90d or 12h` */
export const faultLine = ({ file, key, problem }: Fault): string =>
  key === '' ? `${file}: ${problem}` : `${file}: ${key}: ${problem}`;

/** One line per fault, then their number and what follows from it, such as "not starting". */
export function faultReport(faults: readonly Fault[], consequence: string): string {
  return [
    ...faults.map(faultLine),
    `${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}, ${consequence}.`,
  ].join('\n');
}

/** Faults quote what they find wrong, and the URL of a database may stand in a wrong place: what is secret in a URL is never repeated. */
const withoutSecrets = (text: string): string =>
  text.replace(/(:\/\/[^\s"':@]*:)[^\s"']*@/g, '$1…@').replace(/([?&]\w*pass\w*=)[^&\s"']*/gi, '$1…');

function keyText(path: KeyPath): string {
  return path.map((part, at) => (typeof part === 'number' ? `[${part}]` : at === 0 ? part : `.${part}`)).join('');
}

/** A value as the operator wrote it, short enough for one line. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

/** ` (did you mean "server"?)` when one of the known words is near, else nothing. */
export function didYouMean(word: string, known: Iterable<string>): string {
  const allowed = Math.max(1, Math.floor(word.length / 3));
  let nearest: string | undefined;
  let least = allowed + 1;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < least) [nearest, least] = [candidate, distance];
  }
  return nearest === undefined ? '' : ` (did you mean "${nearest}"?)`;
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment); short words only. */
function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 8 || a.length > 64) return Number.POSITIVE_INFINITY;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let least = Math.min(replaced, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, (beforeLast[j - 2] ?? 0) + 1);
      row.push(least);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
