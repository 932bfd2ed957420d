/** The command line's way to the running server: JSON over the Unix socket in the state directory. */
import { request } from 'node:http';
import { join } from 'node:path';
import { Mistake } from './command.ts';
import { places } from './load.ts';

const TIMEOUT_MS = 60_000;

/** Resolves to the answer's `result`. Throws Mistake with the server's own sentence, or one that says how to reach it. */
export async function ask(method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> {
  const socketPath = join(places(process.env).state, 'admin.sock');
  const text = await new Promise<string>((resolve, reject) => {
    const outgoing = request({ socketPath, method, path, timeout: TIMEOUT_MS, headers: { 'Content-Type': 'application/json' } }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
      incoming.on('error', reject);
    });
    outgoing.on('timeout', () => outgoing.destroy(new Mistake('the server did not answer within a minute')));
    outgoing.on('error', (error) => reject(error instanceof Mistake ? error
      : new Mistake(`no server answers at ${socketPath}: start it, or set CHANCERY_STATE to its state directory`)));
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
  const answer = parse(text);
  if (answer.ok !== true) throw new Mistake(answer.message ?? 'the server failed; its log says why');
  return answer.result;
}

function parse(text: string): { ok?: boolean; message?: string; result?: unknown } {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
