/** What an error of PostgreSQL, or of the way to it, means for us. */

import pg from 'pg';
import { guardFailed } from './postgres-sql.ts';

/**
 * - `refused`: the commit did not fit the rows that it found; an answer, not a fault.
 * - `passing`: over by itself within seconds.
 * - `unavailable`: not over soon.
 *
 * Anything else is a mistake of ours.
 */
export type Fault = 'refused' | 'passing' | 'unavailable';

/** By SQLSTATE, or the class that is its first two characters (PostgreSQL documentation, Appendix A). */
const faults: Readonly<Record<string, Fault>> = {
  '23505': 'refused', // unique_violation
  [guardFailed]: 'refused',
  '40': 'passing', // rolled back for others' sake: deadlock, serialization
  '08': 'passing', // connection
  '57P01': 'passing', // shut down by an operator
  '57P02': 'passing', // another backend crashed
  '57P03': 'passing', // starting up, or recovering
  '57P05': 'passing', // idle for too long
  '25006': 'passing', // read-only: a failover has left us with the old primary
  '53300': 'passing', // too many connections
  '0A000': 'passing', // cached plan must not change result type: a migration ran; a fresh connection plans anew
  '26000': 'passing', // prepared statement unknown: a pooler gave us another backend
  '42P05': 'passing', // prepared already, by another front: the same
  '57': 'unavailable', // statement timeout among them
  '53': 'unavailable', // disk full, out of memory
  '55P03': 'unavailable', // lock timeout
  '58': 'unavailable', // I/O error
  XX: 'unavailable', // internal error
  '28': 'unavailable', // not let in (any more)
  '3D': 'unavailable', // no such database (any more)
};

export function faultOf(error: unknown): Fault | undefined {
  if (error instanceof pg.DatabaseError) {
    const code = error.code ?? '';
    if (code === '23514' && error.table?.endsWith('_rest')) return 'passing'; // its partition was made meanwhile
    return faults[code] ?? faults[code.slice(0, 2)];
  }
  // pg has no class for these: sockets that break or never open, its own timeouts. Ours are TypeError and RangeError.
  return error instanceof Error && !(error instanceof TypeError || error instanceof RangeError) ? 'passing' : undefined;
}

/** Whether the connection is of no use after this error. */
export function isLost(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError)) return true;
  return /^(08|57P|25006|0A000|26000|42P05|XX)/.test(error.code ?? '');
}
