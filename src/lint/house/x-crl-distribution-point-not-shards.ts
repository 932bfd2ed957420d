/** The one URL is that of a shard of this issuer, byte for byte: IDP will be compared with it. */
import { crlUrlOf, namesCrl } from '../../x509/shape.ts';
import { always } from '../look.ts';
import type { Lint } from '../lint.ts';

export const xCrlDistributionPointNotShards: Lint = {
  name: 'x.crl_distribution_point_not_shards',
  severity: 'error',
  cites: 'RFC 5280 §4.2.1.13, §5.2.5',
  applies: always,
  fault({ tbs, shape, issuer }) {
    const points = tbs.crlDistributionPoints ?? [];
    if (!namesCrl(shape)) return points.length === 0 ? undefined : 'there is a CRL distribution point that the profile does not have';
    const [url] = points[0]?.fullName ?? [];
    const shard = Number(/(\d{1,7})\.crl$/.exec(url?.name?.value ?? '')?.[1]);
    const own = points.length === 1 && points[0]?.fullName?.length === 1 && shard >= 1 && shard <= issuer.shards;
    return own && url?.name?.value === crlUrlOf(issuer, shard)
      ? undefined
      : 'the CRL distribution point is not a shard of the issuer';
  },
};
