/** RFC 9773 §4: when to renew a certificate, for anybody who asks; nothing in the answer is a secret. */
import type { OpenHandler } from '../handler.ts';
import { malformed, notFound } from '../problem.ts';
import { formatTime } from '../time.ts';
import { parseCertId } from './cert-id.ts';

export const renewalInfo: OpenHandler = async ({ ca }, { site, ids }) => {
  const id = parseCertId(ids['certificate'] ?? '');
  if (id === undefined) throw malformed('This is no certificate identifier: base64url of the key identifier, a dot, base64url of the serial (RFC 9773 §4.1).');
  const issuerKey = ca.issuerKeyOf(id.keyId);
  const renewal = issuerKey === undefined ? undefined : await ca.renewal(site.realm, issuerKey, id.serial);
  if (renewal === undefined) throw notFound('certificate');
  const { window: { start, end }, explanation, lookAgainMs } = renewal;
  return {
    status: 200,
    body: {
      suggestedWindow: { start: formatTime(start), end: formatTime(end) },
      ...(explanation === undefined ? {} : { explanationURL: explanation }),
    },
    // §4.3.2: without it some clients never ask again.
    headers: { 'Retry-After': String(Math.round(lookAgainMs / 1000)) },
  };
};
