/** `chancery restore acknowledge`: after a database was restored, completes it from the signer's journal and lifts the fence. */
import { join } from 'node:path';
import { CompletionFault } from '../ca/issuance/complete.ts';
import { JournalFault } from '../signing/journal.ts';
import { SupervisorFault } from '../signing/supervisor.ts';
import { sentenceFor } from '../wiring/faults.ts';
import { acknowledge } from '../wiring/restore.ts';
import { type Command, Mistake } from './command.ts';
import { CHECKOUT, loadGeneration } from './load.ts';
import { readOptions } from './options.ts';

export const restore: Command = {
  name: 'restore',
  help: `usage: chancery restore acknowledge --signer-id N [--dry-run] [--json]

The signer remembers up to which receipt the database had confirmed. When the database states less, it was restored from a backup, and
the signer signs no certificates (CRLs it does). With everything stopped, this command records what the database has lost, from the journal:
certificates, and what its CRLs say is revoked. It gives the signer the id N, which no signer of this CA ever had (1 to 127); signer.id in
ca.yaml may stay or become N. --dry-run counts what is missing and changes nothing.

  scripts/chancery restore acknowledge --signer-id 2 --dry-run
  scripts/chancery restore acknowledge --signer-id 2`,
  async run([verb, ...args]) {
    if (verb !== 'acknowledge') throw new Mistake('say what: chancery restore acknowledge --signer-id N');
    const { values } = readOptions('restore', args, {
      'signer-id': { type: 'string' }, 'dry-run': { type: 'boolean', default: false }, json: { type: 'boolean', default: false },
    });
    const id = Number(values['signer-id']);
    if (!Number.isInteger(id) || id < 1 || id > 127) {
      throw new Mistake('--signer-id: give the signer a new id between 1 and 127 that no signer of this CA ever had');
    }
    const dryRun = values['dry-run'];
    try {
      const result = await acknowledge(loadGeneration(process.env), [join(CHECKOUT, 'src/main.ts'), 'signer-worker'], id, dryRun);
      if (values.json) console.log(JSON.stringify(result, null, 2));
      else if (dryRun) console.log(`${result.missing} certificates are in the journal of signer ${result.previousSigner} and not in the database, and ${result.revocations} revocations that its CRLs list`);
      else console.log(`${result.missing} certificates completed, and ${result.revocations} revocations; signer ${result.previousSigner} is closed, signer ${result.signer} may start`);
      return 0;
    } catch (error) {
      const sentence = error instanceof SupervisorFault ? `${error.message}: stop it first` : sentenceOf(error);
      if (sentence === undefined) throw error;
      throw new Mistake(sentence);
    }
  },
};

const sentenceOf = (error: unknown): string | undefined =>
  error instanceof JournalFault || error instanceof CompletionFault ? error.message : sentenceFor(error);
