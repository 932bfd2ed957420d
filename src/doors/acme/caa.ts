/** CAA at this door (RFC 8659): for which names it is asked. */
import type { Directory, Generation } from '../../config/generation.ts';
import type { Identifier } from './identifier.ts';

/** Never for addresses: CAA is about domains (RFC 8738 §5 leaves them out). Private zones have no owner but the operator. */
export function caaApplies({ validation }: Generation, { caa }: Directory, { type, value }: Identifier): boolean {
  if (caa === 'off' || type !== 'dns') return false;
  return caa === 'all' || !validation.privateZones.some((zone) => value === zone || value.endsWith(`.${zone}`));
}
