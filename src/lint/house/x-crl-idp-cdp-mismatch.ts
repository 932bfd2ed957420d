/** IDP names the shard by the very URL that its certificates carry, or the CRL is of another scope. */
import { crlUrlOf } from '../../x509/shape.ts';
import { always } from '../look.ts';
import type { CrlLint } from '../lint.ts';

export const xCrlIdpCdpMismatch: CrlLint = {
  name: 'x.crl_idp_cdp_mismatch',
  severity: 'error',
  cites: 'RFC 5280 §5.2.5, §6.3.3 (b); BR §7.2.2.1',
  applies: always,
  fault({ crl: { distributionPoint }, issuer, shard }) {
    const [url, ...more] = distributionPoint?.fullName ?? [];
    const own = url?.name?.type === 'uri' && url.name.value === crlUrlOf(issuer, shard) && more.length === 0;
    return own ? undefined : "the issuing distribution point is not the shard's URL";
  },
};
