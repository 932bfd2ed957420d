/** What a command of `chancery` is, and how a user's mistake is told: one sentence, exit code 2, never a stack trace. */

export interface Command {
  readonly name: string;
  /** Usage, options and examples, as `chancery NAME --help` prints them. */
  readonly help: string;
  /** Resolves to the exit code. Throws `Mistake` for what the user can mend. */
  run(args: readonly string[]): Promise<number>;
}

/** The user's mistake: what is wrong, where, and how to mend it. */
export class Mistake extends Error {
  override readonly name = 'Mistake';
}

export const EXIT_MISTAKE = 2;
