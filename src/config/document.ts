/** One YAML file as plain data, with the line of every key. Duplicate keys and unknown tags are refused. */
import { type Document, LineCounter, isNode, parseDocument, visit } from 'yaml';
import type { FaultList, FaultsOf, KeyPath } from './fault.ts';

export interface ConfigDocument {
  readonly data: unknown;
  readonly faults: FaultsOf;
}

/**
 * @param file how the file is called in faults
 * @returns undefined when the text is no YAML; the faults say why
 */
export function parseConfigDocument(file: string, text: string, faults: FaultList): ConfigDocument | undefined {
  const lines = new LineCounter();
  const parsed = parseDocument(text, { uniqueKeys: true, strict: true, prettyErrors: false, lineCounter: lines });
  const problems = [...parsed.errors, ...parsed.warnings, ...lostAliases(parsed)];
  for (const { message, pos } of problems) {
    const { line, col } = lines.linePos(pos[0]);
    faults.of(file, () => line).add([], `line ${line}, column ${col}: ${firstLineOf(message)}`);
  }
  if (problems.length > 0) return undefined;

  const lineOf = (path: KeyPath): number | undefined => {
    for (let depth = path.length; depth > 0; depth--) {
      // a key that is missing stands where its parent does
      const node = parsed.getIn(path.slice(0, depth), true);
      if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
    }
    return undefined;
  };
  try {
    return { data: parsed.toJS({ maxAliasCount: 50 }), faults: faults.of(file, lineOf) };
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    faults.of(file).add([], 'repeats itself by aliases more than 50 times');
    return undefined;
  }
}

/** To YAML, `*.example.com` without quotes is a reference. */
function lostAliases(document: Document.Parsed): { message: string; pos: [number] }[] {
  const found: { message: string; pos: [number] }[] = [];
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) !== undefined) return;
      const message = `*${alias.source} refers to nothing; a name that begins with * stands in quotes: "*${alias.source}"`;
      found.push({ message, pos: [alias.range?.[0] ?? 0] });
    },
  });
  return found;
}

const firstLineOf = (message: string): string => message.split('\n')[0] ?? message;
