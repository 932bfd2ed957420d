/** RFC 8739 §3.1.2: an account ends the renewal of an order; the certificate that is out there lives to its end. */
import type { Acme, ByAccount } from '../handler.ts';
import { type Order, orderStatus } from '../order.ts';
import { AcmeError, malformed } from '../problem.ts';
import { cancel } from './store.ts';

/** Resolves to the order as it is then. Throws AcmeError unless `{"status":"canceled"}` is asked of an order that renews itself and is valid. */
export async function cancelOrder({ clock, database }: Acme, { payload, about: order }: ByAccount<'order'>): Promise<Order> {
  if (payload?.['status'] !== 'canceled') throw malformed('An order is read by POST-as-GET; the only status that it can be given is "canceled".');
  const now = clock.now();
  const status = orderStatus(order, now);
  const invalid = (why: string): AcmeError => new AcmeError('autoRenewalCancellationInvalid', why);
  if (order.autoRenewal === undefined) throw invalid('The order does not renew itself.');
  if (status !== 'valid' || order.autoRenewal.end < now) throw invalid(`The order is ${status === 'valid' ? 'past its end-date' : status}: only one that is valid can be canceled.`);
  await cancel(database, order.id, now); // a second request, at the same time, finds it done
  return { ...order, canceled: now };
}
