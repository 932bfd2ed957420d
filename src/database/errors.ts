/** The two ways in which a database fails us. Neither is the caller's fault, and neither is described to clients. */

/** For now: not reachable, disk full, busy. What was asked may be asked again. */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable';
  /** True when a commit may have happened all the same: look before you ask again. */
  readonly ambiguous: boolean;

  constructor(message: string, options: { ambiguous?: boolean; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.ambiguous = options.ambiguous ?? false;
  }
}

/** Until an operator mends it: a wrong URL or password, a schema newer than this program, unsafe settings. */
export class DatabaseUnusable extends Error {
  override readonly name = 'DatabaseUnusable';
}
