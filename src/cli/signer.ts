/** `chancery signer`: the supervisor; and `signer-worker`, which only the supervisor starts: the process that holds the keys. */
import { join } from 'node:path';
import type { Generation } from '../config/generation.ts';
import { runSupervisor, SupervisorFault } from '../signing/supervisor.ts';
import { runWorker } from '../signing/worker.ts';
import { openLog } from '../telemetry/log.ts';
import { AuthorityFault, loadAuthority } from '../wiring/authority.ts';
import { haltAt } from '../wiring/halt.ts';
import { environmentOfWorker, signerConfig } from '../wiring/signer.ts';
import { mendSoftTokens } from '../wiring/soft-tokens.ts';
import { type Command, Mistake } from './command.ts';
import { CHECKOUT, loadGeneration } from './load.ts';
import { readOptions } from './options.ts';

export const signer: Command = {
  name: 'signer',
  help: `usage: chancery signer

Runs the signer: a supervisor that watches the one process with a PIN. Fronts reach it over the socket that ca.yaml names. In production it
runs as a user of its own, from a configuration directory that fronts cannot write. SIGHUP takes up a changed configuration.

  CHANCERY_CONFIG=/etc/chancery-signer CHANCERY_STATE=/var/lib/chancery-signer scripts/chancery signer`,
  async run(args) {
    readOptions('signer', args, {});
    const generation = loadGeneration(process.env);
    loadKeysOrExplain(generation);
    const log = await openLog({
      name: 'signer', level: process.env['CHANCERY_LOG'] ?? 'info',
      ...(process.send === undefined ? {} : { file: join(generation.stateDirectory, 'log/signer.log') }),
    });
    const { lanes, callDeadlineMs, stateDirectory } = generation.signer;
    try {
      await using supervisor = await runSupervisor({
        workerArgv: [join(CHECKOUT, 'src/main.ts'), 'signer-worker'], stateDirectory, callDeadlineMs, environment: environmentOfWorker(generation),
        ...(lanes === undefined ? {} : { lanes }),
        events: {
          state: (state, why) => { log.info({ state, why }, 'signer'); if (why !== undefined && state !== 'ready') console.error(`chancery signer: ${why}${REMEDY[state] ?? ''}`); },
          started: (pid) => log.info({ worker: pid }, 'worker started'),
          killed: (why) => log.error({ why }, 'worker killed'),
          ended: (why) => log.error({ why }, 'worker ended'),
          refused: (issuerKey, purpose, reasons) => log.error({ issuerKey, purpose, reasons }, 'refused'),
        },
      });
      // A changed configuration is read by the next worker; work waits for it in the fronts.
      process.on('SIGHUP', () => {
        if (isUsable() && supervisor.workerPid !== undefined) process.kill(supervisor.workerPid, 'SIGTERM');
      });
      await new Promise<void>((resolve) => {
        for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
        process.once('disconnect', () => resolve()); // started by `chancery start`, which is gone
      });
    } catch (error) {
      if (error instanceof SupervisorFault) throw new Mistake(error.message);
      throw error;
    }
    if (process.connected) process.disconnect(); // the channel would keep this process from ending
    return 0;
  },
};

/** A worker that could not start again is not ended for it: with a faulty configuration the one that runs is the better one. */
function isUsable(): boolean {
  try {
    loadGeneration(process.env);
    return true;
  } catch (error) {
    if (!(error instanceof Mistake)) throw error;
    console.error(`chancery signer: ${error.message}\nthe signer goes on with what it has`);
    return false;
  }
}

export const signerWorker: Command = {
  name: 'signer-worker',
  help: 'started by chancery signer; not for people',
  async run() {
    const generation = loadGeneration(process.env);
    if (generation.mode === 'development') mendSoftTokens(join(generation.stateDirectory, 'tokens'));
    await runWorker(signerConfig(loadAuthority(generation)), { at: haltAt(generation.mode, process.env['CHANCERY_HALT_AT']) });
    return 0;
  },
};

const REMEDY: Readonly<Record<string, string>> = {
  fenced: ': no certificate is signed until all is stopped and scripts/chancery restore acknowledge --signer-id N has been run, N an id that no signer of this CA ever had',
};

function loadKeysOrExplain(generation: Generation): void {
  try {
    loadAuthority(generation);
  } catch (error) {
    if (error instanceof AuthorityFault) throw new Mistake(error.message);
    throw error;
  }
}
