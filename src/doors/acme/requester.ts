/** An account as the CA knows it: a kind, an id, the policies that bind it here, and who signs for it. */
import type { Requester } from '../../ca/index.ts';
import type { Account } from './account.ts';
import type { Site } from './site.ts';
import { REQUESTER_KIND } from './store.ts';

export const requesterOf = ({ directory }: Site, { id }: Account): Requester =>
  ({ kind: REQUESTER_KIND, id, policies: directory.policies, ...(directory.group === undefined ? {} : { group: directory.group }) });
