/** `chancery serve`: one front (or several behind the same listeners), beside a signer that runs already. */
import cluster from 'node:cluster';
import { join } from 'node:path';
import type { Generation } from '../config/generation.ts';
import { logEventsTo } from '../telemetry/events.ts';
import { openLog } from '../telemetry/log.ts';
import { sentenceFor } from '../wiring/faults.ts';
import { type Front, openFront } from '../wiring/front.ts';
import type { RehearsalSettings } from '../wiring/rehearsal/rehearsal.ts';
import { type Command, EXIT_MISTAKE, Mistake } from './command.ts';
import { loadGeneration, places } from './load.ts';
import { readOptions } from './options.ts';
import { readRehearsal, REHEARSAL_HELP, REHEARSAL_OPTIONS } from './rehearsal.ts';

export const serve: Command = {
  name: 'serve',
  help: `usage: chancery serve [--rehearsal [options]]

Runs one front: listeners, doors, jobs. The signer must be started apart (chancery signer); until it answers, requests wait.
SIGHUP takes up a changed configuration, SIGTERM and Ctrl-C drain and stop within 5 seconds.

${REHEARSAL_HELP}

  CHANCERY_CONFIG=/etc/chancery CHANCERY_STATE=/var/lib/chancery scripts/chancery serve
  scripts/chancery serve --rehearsal --reject-nonces 20`,
  async run(args) {
    const { values } = readOptions('serve', args, REHEARSAL_OPTIONS);
    // A front of several tells the process that started them all; that one prints what to try.
    try {
      const generation = loadGeneration(process.env);
      const rehearsal = readRehearsal(values, generation);
      await serveUntilStopped({
        generation, rehearsal, logTo: cluster.isWorker ? 'file' : 'stdout',
        onReady: () => process.send?.({ kind: 'ready' }), onApplied: () => process.send?.({ kind: 'applied' }),
      });
    } catch (error) {
      if (!(error instanceof Mistake) || !cluster.isWorker) throw error;
      console.error(`chancery serve: ${error.message}`);
      process.exit(EXIT_MISTAKE); // a worker that merely lets go of its channel ends with 0
    }
    if (process.connected) process.disconnect(); // the channel to the starter would keep this process alive
    return 0;
  },
};

export interface Serving {
  readonly generation: Generation;
  readonly rehearsal: RehearsalSettings | undefined;
  readonly logTo: 'stdout' | 'file';
  /** `notReady`: why requests cannot be served yet, where that is so. */
  readonly onReady: (notReady: readonly string[]) => void;
  /** An operator put another configuration in force here; see FrontOptions. */
  readonly onApplied: () => void;
}

/** Opens a front, and takes it down when asked to stop. Throws Mistake for what the operator can mend. */
export async function serveUntilStopped({ generation, rehearsal, logTo, onReady, onApplied }: Serving): Promise<void> {
  logEventsTo(await openLog({
    name: 'front', level: process.env['CHANCERY_LOG'] ?? 'info',
    ...(logTo === 'file' ? { file: join(generation.stateDirectory, 'log/front.log') } : {}),
  }));
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
    process.once('disconnect', () => resolve()); // the process that started us is gone
  });
  let front: Front;
  try {
    const opening = openFront({
      generation, configDirectory: places(process.env).config, environment: process.env, onApplied,
      ...(rehearsal === undefined ? {} : { rehearsal }),
    });
    const first = await Promise.race([opening, stopped]);
    if (first === undefined) process.exit(0); // stopped before it was ready: nothing was promised to anybody
    front = first;
  } catch (error) {
    const sentence = sentenceFor(error);
    if (sentence === undefined) throw error;
    throw new Mistake(sentence);
  }
  process.on('SIGHUP', () => void reload(front));
  onReady(front.readiness().reasons);
  await stopped;
  await front[Symbol.asyncDispose]();
}

async function reload(front: Front): Promise<void> {
  try {
    await front.adopt(loadGeneration(process.env), 'SIGHUP');
  } catch (error) {
    console.error(`chancery: ${(error as Error).message}\nthe configuration in force stays as it is`);
  }
}
