/** RFC 8555 §7.4: the order as it stands. */
import type { AccountHandler, Reply } from './handler.ts';
import { type Order, orderStatus } from './order.ts';
import { COME_BACK_S } from './patience.ts';
import { malformed } from './problem.ts';
import type { Site } from './site.ts';
import { orderUrl, renderOrder } from './wire.ts';

export const readOrder: AccountHandler<'order'> = ({ clock }, { site, payload, about }) => {
  if (payload !== undefined) throw malformed('An order is read by POST-as-GET, with an empty payload.');
  return replyWithOrder(site, about, clock.now());
};

/** Location goes with every order: some clients rebuild its URL from there. */
export const replyWithOrder = (site: Site, order: Order, now: number): Reply => ({
  status: 200,
  body: renderOrder(site, order, now),
  headers: {
    Location: orderUrl(site, order.id),
    ...(orderStatus(order, now) === 'processing' ? { 'Retry-After': String(COME_BACK_S) } : {}),
  },
});
