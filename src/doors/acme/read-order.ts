/** RFC 8555 §7.4: the order as it stands; RFC 8739 §3.1.2: or the end of its renewal. */
import type { AccountHandler, Reply } from './handler.ts';
import { type Order, orderStatus } from './order.ts';
import { COME_BACK_S } from './patience.ts';
import type { Site } from './site.ts';
import { cancelOrder } from './star/cancel.ts';
import { orderUrl, renderOrder } from './wire.ts';

export const readOrder: AccountHandler<'order'> = async (acme, given) => {
  const order = given.payload === undefined ? given.about : await cancelOrder(acme, given);
  return replyWithOrder(given.site, order, acme.clock.now());
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
