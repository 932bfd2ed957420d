/** What the operator can have done about renewal windows, over the admin socket. */
import { Refusal } from '../ca/errors.ts';
import { countPulled, matching, preparePull, pull, pullsInForce, release, type RenewalParts, type Selection } from '../ca/renewal/pull.ts';
import type { PullRow } from '../ca/renewal/store.ts';
import { OperatorMistake, type Operations } from '../doors/admin/admin.ts';

const OPERATOR = 'operator';

/** As the command line sends it; times in ms UTC. */
interface PullRequest extends Selection {
  readonly overMs?: number;
  readonly explanation?: string;
  readonly release?: boolean;
  readonly dryRun?: boolean;
}

export function renewalOperations(parts: RenewalParts): Pick<Operations, 'pullRenewals' | 'listPulls'> {
  return {
    async pullRenewals(body) {
      const { overMs = 0, explanation, release: undo = false, dryRun = false, ...selection } = body as PullRequest;
      const row = await prepared(parts, selection, { overMs, by: OPERATOR, ...(explanation === undefined ? {} : { explanation }) });
      if (undo) {
        const pulls = dryRun ? await matching(parts, row) : await release(parts, row, OPERATOR);
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
