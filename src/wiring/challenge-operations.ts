/** What the operator can see of validations, over the admin socket. */
import type { Clock } from '../clock.ts';
import type { Database } from '../database/database.ts';
import { isPublicId } from '../database/public-id.ts';
import { authorizationExpires, authorizationStatus } from '../doors/acme/authorization.ts';
import { authorizationById } from '../doors/acme/store.ts';
import { formatTime } from '../doors/acme/time.ts';
import { OperatorMistake, type Operations } from '../doors/admin/admin.ts';

export interface ChallengeParts {
  readonly database: Database;
  readonly clock: Clock;
}

export function challengeOperations({ database, clock }: ChallengeParts, realm: string): Pick<Operations, 'showChallenge'> {
  return {
    async showChallenge(body) {
      const { reference } = body as { reference: string };
      const id = /\/(?:authorization|challenge)\/([^/]+)(?:\/[^/]+)?$/.exec(reference)?.[1] ?? reference;
      const authorization = isPublicId(id) ? await authorizationById(database, realm, id) : undefined;
      if (authorization === undefined) throw new OperatorMistake(`there is no authorization "${id}": give the URL of a challenge or an authorization, or an authorization's id`);
      const { account, identifier, wildcard, subdomains, attempt } = authorization;
      const proof = attempt?.state === 'valid' ? [{ evidence: attempt.evidence }] : [];
      return {
        authorization: id, account, identifier, wildcard, subdomains, status: authorizationStatus(authorization, clock.now()),
        expires: formatTime(authorizationExpires(authorization)),
        ...(attempt === undefined ? {} : {
          challenge: { type: attempt.type, tries: attempt.tries, ...(attempt.finished === undefined ? {} : { finished: formatTime(attempt.finished) }) },
        }),
        tries: [...(attempt?.flights ?? []), ...proof],
      };
    },
  };
}
