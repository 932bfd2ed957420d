/** The log: pino to standard output, one JSON object a line. Secrets are redacted by name, wherever they stand. */
import { type Logger, pino } from 'pino';

export type { Logger };

const SECRET = ['pin', 'password', 'hmacKey', 'macKey', 'privateKey', 'authorization', 'cookie'];

/** `level`: pino's; `destination`: 1 for standard output, or a file path. */
export function openLog(options: { level?: string; name: string }): Logger {
  return pino({
    name: options.name,
    level: options.level ?? 'info',
    redact: { paths: SECRET.flatMap((word) => [word, `*.${word}`]), censor: '[redacted]' },
    timestamp: pino.stdTimeFunctions.isoTime,
  });
}
