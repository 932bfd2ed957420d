/** PostgreSQL, the engine for more than one front. */
import type { Database } from './engine.ts';

export async function openPostgres(_url: string): Promise<Database> {
  throw new Error('not yet');
}
