/** SQL of device-attest-01: an attempt that was over when it began. Its key, the authorization, makes a second one impossible. */
import type { Database } from '../../../database/database.ts';
import { statement } from '../../../database/statement.ts';
import type { Attempt } from '../challenge.ts';

const insertDecided = statement((k, p) =>
  k('acme_attempt').insert({
    authorization: p('authorization'), realm: p('realm'), type: p('type'), thumbprint: p('thumbprint'), state: p('state'), tries: 1,
    error: p('error'), evidence: p('evidence'), lease_expires: p('finished'), created: p('finished'), finished: p('finished'), valid_until: p('valid_until'),
  }));

/** False when the authorization has an attempt already. */
export const recordAttempt = (database: Database, realm: string, authorization: string, thumbprint: string, attempt: Attempt): Promise<boolean> =>
  database.commit([{
    statement: insertDecided, rows: 1,
    values: {
      authorization, realm, thumbprint, type: attempt.type, state: attempt.state, finished: attempt.finished ?? 0, valid_until: attempt.validUntil ?? null,
      error: attempt.error === undefined ? null : JSON.stringify(attempt.error), evidence: JSON.stringify(attempt.evidence),
    },
  }]);
