// The house rules that no linter knows: names, lengths, first comments, links, promises to do something later, and what no
// committed file may say. Each is a function from the files to faults, so that a test can plant one of each.

/** One committed file. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** `where` is FILE or FILE:LINE; `what` is one sentence with the remedy. */
export interface Fault {
  readonly rule: string;
  readonly where: string;
  readonly what: string;
}

type Rule = (files: readonly SourceFile[]) => Iterable<Omit<Fault, 'rule'>>;

const MAXIMUM_LINES = 250;
const MAXIMUM_TEST_LINES = 500; // tables of cases are read row by row

/** Files longer than that, with the reason why they are still one file. */
export const LONG_FILES: Readonly<Record<string, string>> = {
  'src/doors/acme/store.ts': 'accounts, orders and authorizations are read together, by joins over the same columns',
  'src/signing/client.ts': 'one connection and its calls: a single state machine',
  'src/signing/desk.ts': 'the path to a signature, top to bottom, with what recovery asks of it',
  'src/signing/journal.ts': 'writing and reading back of one format, side by side',
  'src/signing/signing-keys.ts': 'the life of keys in a token: a single state machine',
};

const isCode = ({ path }: SourceFile): boolean => /[.](ts|mjs|js|c)$/.test(path) && !path.startsWith('test/vectors/');
const isScript = ({ path, text }: SourceFile): boolean => text.startsWith('#!') && !isCode({ path, text });
const linesOf = (text: string): string[] => text.split('\n');

/** Every line of the files for which `matches` holds. */
function* linesThat(files: readonly SourceFile[], matches: (line: string) => boolean): Generator<{ where: string; line: string }> {
  for (const { path, text } of files)
    for (const [index, line] of linesOf(text).entries()) if (matches(line)) yield { where: `${path}:${index + 1}`, line };
}

const EMPTY_NAMES = new Set(['util', 'utils', 'helper', 'helpers', 'manager', 'service', 'services', 'common', 'base', 'misc']);

function* names(files: readonly SourceFile[]): ReturnType<Rule> {
  for (const { path } of files) {
    const word = path.split('/').map((part) => part.replace(/[.].*$/, '').split('-').at(-1) ?? '').find((last) => EMPTY_NAMES.has(last));
    if (word !== undefined) yield { where: path, what: `"${word}" says nothing; name the file after what it knows or does` };
  }
}

function* lengths(files: readonly SourceFile[]): ReturnType<Rule> {
  const long = new Set<string>();
  for (const file of files.filter((each) => isCode(each) || isScript(each))) {
    const count = linesOf(file.text).length - 1;
    if (count <= (file.path.startsWith('test/') ? MAXIMUM_TEST_LINES : MAXIMUM_LINES)) continue;
    long.add(file.path);
    if (LONG_FILES[file.path] === undefined) yield { where: file.path, what: `${count} lines; split it, or give the reason in LONG_FILES of scripts/checks/house-rules.ts` };
  }
  for (const path of Object.keys(LONG_FILES)) if (!long.has(path)) yield { where: path, what: 'is not long any more; remove it from LONG_FILES' };
}

function* firstComments(files: readonly SourceFile[]): ReturnType<Rule> {
  for (const file of files) {
    const body = file.text.replace(/^#!.*\n/, '');
    if (isCode(file) && !/^\s*(\/\/|\/\*)/.test(body)) yield { where: file.path, what: 'begin with a comment that says what the file is for' };
    if ((isScript(file) || /[.]ya?ml$/.test(file.path)) && !body.startsWith('#')) yield { where: file.path, what: 'begin with a comment that says what the file is for' };
  }
}

function* unfinished(files: readonly SourceFile[]): ReturnType<Rule> {
  const word = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX'].join('|')})\\b(?![(]#\\d+[)])`);
  for (const { where } of linesThat(files, (line) => word.test(line))) yield { where, what: 'name the issue that will do it, as in TO' + 'DO(#12)' };
}

function* suppressions(files: readonly SourceFile[]): ReturnType<Rule> {
  const bare = [/@ts-ignore/, /@ts-nocheck/, /@ts-expect-error\s*(\*\/)?$/, /eslint-disable(?!.* -- \S)/];
  const code = files.filter((file) => isCode(file) && file.path !== 'scripts/checks/house-rules.ts' && file.path !== 'test/project/house-rules.test.ts');
  for (const { where } of linesThat(code, (line) => bare.some((pattern) => pattern.test(line))))
    yield { where, what: 'a suppression says why: `// @ts-expect-error reason` or `-- reason`; a whole file is never suppressed' };
}

function* onlyTests(files: readonly SourceFile[]): ReturnType<Rule> {
  const tests = files.filter(({ path }) => path.endsWith('.test.ts'));
  for (const { where } of linesThat(tests, (line) => /\b(test|it|describe|suite)[.]only[(]|\bonly: true\b/.test(line)))
    yield { where, what: 'an `only` hides all other tests' };
}

function* forbiddenText(files: readonly SourceFile[]): ReturnType<Rule> {
  const hosts = new RegExp(['registry', '(npmjs|yarnpkg)'].join('[.]'));
  const paths = /(^|[\s'"`(=:])\/(work|home|root|Users|tmp\/build)\/\w/;
  for (const { where, line } of linesThat(files, (each) => hosts.test(each) || paths.test(each)))
    yield { where, what: hosts.test(line) ? 'a registry host is the business of the machine, not of the project' : 'a path of one machine does not exist on others' };
}

function* exactVersions(files: readonly SourceFile[]): ReturnType<Rule> {
  for (const { text } of files.filter(({ path }) => path === 'package.json')) {
    const manifest = JSON.parse(text) as Record<string, Record<string, string> | undefined>;
    for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies'])
      for (const [name, version] of Object.entries(manifest[kind] ?? {}))
        if (!/(^|@)\d+[.]\d+[.]\d+$/.test(version)) yield { where: 'package.json', what: `${name}: "${version}" is not an exact version` };
  }
}

/** The anchors that a Markdown file offers, as GitHub makes them of its headings. */
const anchorsOf = (text: string): Set<string> =>
  new Set(linesOf(text).filter((line) => /^#{1,6} /.test(line))
    .map((line) => line.replace(/^#+ /, '').toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '').trim().replaceAll(' ', '-')));

function* links(files: readonly SourceFile[]): ReturnType<Rule> {
  const texts = new Map(files.map(({ path, text }) => [path, text]));
  const folders = new Set(files.flatMap(({ path }) => path.split('/').map((_, index, parts) => parts.slice(0, index).join('/'))));
  for (const { path, text } of files.filter((file) => file.path.endsWith('.md'))) {
    const prose = text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');
    for (const [, target = ''] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const { pathname, hash } = new URL(target, `file:///${path}`);
      const to = decodeURIComponent(pathname).replace(/^\/|\/$/g, '');
      if (!texts.has(to) && !folders.has(to)) yield { where: path, what: `the link to ${target} leads nowhere` };
      else if (hash !== '' && to.endsWith('.md') && !anchorsOf(texts.get(to) ?? '').has(decodeURIComponent(hash.slice(1))))
        yield { where: path, what: `the link to ${target} names no heading there` };
    }
  }
}

export const RULES = {
  names, lengths, 'first-comments': firstComments, unfinished, suppressions, 'only-tests': onlyTests,
  'forbidden-text': forbiddenText, 'exact-versions': exactVersions, links,
} as const satisfies Record<string, Rule>;

/** All faults of all rules, in the order of the rules. */
export function houseFaults(files: readonly SourceFile[]): Fault[] {
  return Object.entries(RULES).flatMap(([rule, find]) => Array.from(find(files), (fault) => ({ rule, ...fault })));
}
