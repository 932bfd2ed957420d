/** `chancery restore acknowledge`: after a database was restored, completes it from the signer's journal and lifts the fence. */
import { ask } from './admin-socket.ts';
import { type Command, Mistake } from './command.ts';

export const restore: Command = {
  name: 'restore',
  help: `usage: chancery restore acknowledge [--dry-run] [--json]

The signer remembers up to which receipt the database had confirmed. When the database states less, it was restored from a backup, and
the signer signs no certificates (CRLs it does). This command records what the database has lost, from the journal, gives the
signer a new id, and opens it again. --dry-run says how much is missing and changes nothing.

  chancery restore acknowledge --dry-run
  chancery restore acknowledge`,
  async run(args) {
    if (args[0] !== 'acknowledge') throw new Mistake('say what: chancery restore acknowledge');
    const unknown = args.slice(1).find((arg) => arg !== '--dry-run' && arg !== '--json');
    if (unknown !== undefined) throw new Mistake(`there is no option ${unknown}: chancery restore --help lists them`);
    const dryRun = args.includes('--dry-run');
    const result = (await ask('POST', '/restore/acknowledge', { dryRun })) as { missing: number; signer: number; previousSigner: number };
    if (args.includes('--json')) console.log(JSON.stringify(result, null, 2));
    else if (dryRun) console.log(`${result.missing} certificates are in the journal of signer ${result.previousSigner} and not in the database`);
    else console.log(`${result.missing} certificates completed; signer ${result.previousSigner} is closed, signer ${result.signer} is open`);
    return 0;
  },
};
