/** Which of the errors that a start can meet are the operator's to mend: their message is one sentence and is all that is shown. */
import { DatabaseUnavailable, DatabaseUnusable } from '../database/database.ts';
import { ListenFault } from '../http/server.ts';
import { AuthorityFault } from './authority.ts';

const MENDABLE = [AuthorityFault, DatabaseUnavailable, DatabaseUnusable, ListenFault] as const;

/** The sentence for the operator, or undefined when the fault is ours. */
export function sentenceFor(error: unknown): string | undefined {
  if (MENDABLE.some((kind) => error instanceof kind)) return (error as Error).message;
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'ENOSPC') return 'the disk is full: free some space and start again; nothing was half-written';
  if (code === 'EACCES' || code === 'EROFS') return `cannot write ${(error as NodeJS.ErrnoException).path}: make it writable for this user, or set CHANCERY_STATE`;
  return undefined;
}
