/** Everything that can be asked at an ACME directory: one row per request, with the proof that it needs. */
import { answerChallenge } from './answer-challenge.ts';
import { directory } from './directory.ts';
import { downloadCertificate } from './download-certificate.ts';
import { finalize } from './finalize.ts';
import { byAccount, byEither, byKey, open, type Row } from './handler.ts';
import { keyChange } from './key-change.ts';
import { listOrders } from './list-orders.ts';
import { newAccount } from './new-account.ts';
import { newAuthorization } from './new-authorization.ts';
import { newNonce } from './new-nonce.ts';
import { newOrder } from './new-order.ts';
import { readOrder } from './read-order.ts';
import { renewalInfo } from './renewal/renewal-info.ts';
import { downloadStarCertificate, fetchStarCertificate } from './star/star-certificate.ts';
import { revokeCertificate } from './revocation/revoke-certificate.ts';
import { updateAccount } from './update-account.ts';
import { updateAuthorization } from './update-authorization.ts';

export const routes: readonly Row[] = [
  // proof    about            path                               handler                  RFC 8555
  open('GET',                  '/directory',                      directory),           // §7.1.1
  open('GET',                  '/new-nonce',                      newNonce),            // §7.2
  byKey(                       '/new-account',                    newAccount),          // §7.3
  byAccount('nothing',         '/account/:account',               updateAccount),       // §7.3.2, §7.3.6
  byAccount('nothing',         '/key-change',                     keyChange),           // §7.3.5
  byAccount('orders',          '/orders/:account{/:after}',       listOrders),          // §7.1.2.1
  byAccount('nothing',         '/new-order',                      newOrder),            // §7.4
  byAccount('nothing',         '/new-authz',                      newAuthorization),    // §7.4.1
  byAccount('order',           '/order/:order',                   readOrder),           // §7.4
  byAccount('order',           '/order/:order/finalize',          finalize),            // §7.4
  byAccount('certificate',     '/certificate/:issuer/:serial{/:chain}', downloadCertificate), // §7.4.2
  byAccount('authorization',   '/authorization/:authorization',   updateAuthorization), // §7.5, §7.5.2
  byAccount('authorization',   '/challenge/:authorization/:type', answerChallenge),     // §7.5.1
  byEither(                    '/revoke-cert',                    revokeCertificate),   // §7.6
  // RFC 9773 §4.1: clients put a slash between, some also when there is one.
  open('GET',                  '/renewal-info{/}/:certificate',   renewalInfo),
  // RFC 8739 §3.3
  open('GET',                  '/star-certificate/:order',        fetchStarCertificate),
  byAccount('order',           '/star-certificate/:order',        downloadStarCertificate),
  // §6.3: the two that may be asked for by GET may be asked for by POST-as-GET as well.
  byAccount('nothing',         '/directory',                      (_, given) => directory(_, { ...given, method: 'POST' })),
  byAccount('nothing',         '/new-nonce',                      (_, given) => newNonce(_, { ...given, method: 'POST' })),
];
