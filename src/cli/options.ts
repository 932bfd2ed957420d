/** Options of a command, read strictly: what is not known is the user's mistake, said with where to look. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { Mistake } from './command.ts';

/** As `node:util` parseArgs. Throws Mistake for what is not an option, and for arguments unless `positional`. */
export function readOptions<T extends NonNullable<ParseArgsConfig['options']>>(command: string, args: readonly string[], options: T, positional = false) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: positional, strict: true });
  } catch (error) {
    const [sentence = ''] = (error as Error).message.split(/\.\s/);
    // "-3" may be the value or an option of its own, says Node.js.
    throw new Mistake(`${sentence.replace('argument is ambiguous', 'needs a value, and one that begins with a dash is written with =')}: chancery ${command} --help lists the options`);
  }
}
