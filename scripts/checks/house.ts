// Holds the committed files to the house rules; run by scripts/check as the step `house`.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { houseFaults, type SourceFile } from './house-rules.ts';

const paths = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' }).split('\0');

function* sourceFiles(): Generator<SourceFile> {
  for (const path of paths.filter((each) => each !== '' && each !== 'package-lock.json')) {
    let bytes: Buffer;
    try {
      bytes = readFileSync(path);
    } catch {
      continue; // deleted, or a link to a folder
    }
    if (!bytes.includes(0)) yield { path, text: bytes.toString() };
  }
}

const faults = houseFaults([...sourceFiles()]);
for (const { rule, where, what } of faults) console.log(`${where}: ${what} (${rule})`);
if (faults.length > 0) console.log(`${faults.length} faults`);
process.exitCode = faults.length > 0 ? 1 : 0;
