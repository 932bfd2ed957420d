/** RFC 8555 §7.1.2.1: an account's orders, a page at a time. */
import type { AccountHandler } from './handler.ts';
import { malformed } from './problem.ts';
import { orderUrl, ordersUrl } from './wire.ts';

/** Invalid orders are left out, so a page may be short, or empty; what comes after it is told by its link, not by its length. */
export const listOrders: AccountHandler<'orders'> = (_, { site, account, payload, about }) => {
  if (payload !== undefined) throw malformed('Orders are listed by POST-as-GET, with an empty payload.');
  return {
    status: 200,
    body: { orders: about.orders.map((id) => orderUrl(site, id)) },
    ...(about.next === undefined ? {} : { headers: { Link: `<${ordersUrl(site, account.id)}/${about.next}>;rel="next"` } }),
  };
};
