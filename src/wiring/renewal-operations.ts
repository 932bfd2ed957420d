/** What the operator can have done about renewal windows, over the admin socket. */
import { Refusal } from '../ca/errors.ts';
import { countPulled, matching, preparePull, pull, pullsInForce, release, type RenewalParts, type Selection, unfinished } from '../ca/renewal/pull.ts';
import type { PullRow } from '../ca/renewal/store.ts';
import { OperatorMistake, type Operations } from '../doors/admin/admin.ts';

const OPERATOR = 'operator';
/** `chancery revoke --after-replacement`, whose pulls live until it has ended. */
const REVOCATION = 'revocation';

/** As the command line sends it; times in ms UTC. */
interface PullRequest extends Selection {
  readonly overMs?: number;
  readonly explanation?: string;
  readonly release?: boolean;
  readonly dryRun?: boolean;
  /** What is pulled is to be revoked when it was replaced; one that has not ended is taken up again. */
  readonly revocation?: boolean;
}

export function renewalOperations(parts: RenewalParts): Pick<Operations, 'pullRenewals' | 'listPulls'> {
  return {
    async pullRenewals(body) {
      const { overMs = 0, explanation, release: undo = false, dryRun = false, revocation = false, ...selection } = body as PullRequest;
      if (revocation) return pullForRevocation(parts, selection, undo, dryRun);
      const row = await prepared(parts, selection, { overMs, by: OPERATOR, ...(explanation === undefined ? {} : { explanation }) });
      if (undo) {
        const found = await matching(parts, row);
        const pulls = dryRun ? found : await release(parts, found, OPERATOR);
        return { pulls: pulls.map(shown), released: !dryRun };
      }
      const counted = await countPulled(parts, row);
      if (!dryRun) await pull(parts, row);
      return { pulls: [shown(row)], ...counted, applied: !dryRun };
    },

    async listPulls(body) {
      const { after } = body as { after?: unknown };
      const rows = await pullsInForce(parts, typeof after === 'string' ? after : '');
      return { pulls: rows.map(shown), ...(rows.length === 100 ? { next: rows.at(-1)?.id } : {}) };
    },
  };
}

async function pullForRevocation(parts: RenewalParts, selection: Selection, undo: boolean, dryRun: boolean) {
  const row = await prepared(parts, selection, { overMs: 0, by: REVOCATION });
  const before = await unfinished(parts, row);
  const changed = undo ? before !== undefined : before === undefined;
  if (changed && !dryRun) await (undo ? release(parts, before === undefined ? [] : [before], REVOCATION) : pull(parts, row));
  return { pulls: [shown(before ?? row)], resumed: before !== undefined };
}

async function prepared(...given: Parameters<typeof preparePull>): Promise<PullRow> {
  try {
    return await preparePull(...given);
  } catch (error) {
    if (error instanceof Refusal) throw new OperatorMistake(error.message);
    throw error;
  }
}

const time = (ms: number): string | undefined => (ms === 0 || ms === Number.MAX_SAFE_INTEGER ? undefined : new Date(ms).toISOString());

const shown = ({ id, scope, issued_from, issued_to, at, over_ms, explanation, pulled_by }: PullRow) => ({
  id, scope, issuedFrom: time(issued_from), issuedTo: time(issued_to), at: time(at), overMs: over_ms, explanation: explanation ?? undefined, by: pulled_by,
});
