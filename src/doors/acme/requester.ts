/** An account as the CA knows it: a kind, an id, the policies and the restriction that bind it here, and who signs for it. */
import type { Requester } from '../../ca/index.ts';
import type { Account } from './account.ts';
import type { Site } from './site.ts';
import { REQUESTER_KIND } from './store.ts';

export const requesterOf = ({ directory: { policies, group } }: Site, { id, binding }: Account): Requester => ({
  kind: REQUESTER_KIND, id, policies,
  ...(group === undefined ? {} : { group }),
  ...(binding?.restriction === undefined ? {} : { restriction: binding.restriction }),
});
