/** The log: pino to standard output, one JSON object a line. Secrets are redacted by name, wherever they stand. */
import { once } from 'node:events';
import { type Logger, pino } from 'pino';

export type { Logger };

const SECRET = ['pin', 'password', 'hmacKey', 'macKey', 'privateKey', 'authorization', 'cookie'];

/** `level`: pino's. To standard output, or appended to `file`, whose directory is made. Resolves when it can be written to. */
export async function openLog(options: { level?: string; name: string; file?: string }): Promise<Logger> {
  const destination = pino.destination({ dest: options.file ?? 1, mkdir: true, sync: false, minLength: 0 });
  await once(destination, 'ready'); // before that, ending the process would be a fault
  return pino({
    name: options.name,
    level: options.level ?? 'info',
    // By name at the top level only: what is logged is flat, and looking through every object cost more than writing it.
    redact: { paths: SECRET, censor: '[redacted]' },
    timestamp: pino.stdTimeFunctions.isoTime,
  }, destination);
}
