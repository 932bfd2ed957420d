/**
 * Clients that only ever fail are paused: an account that failed to prove a name so many times in a row may not order it any more. What it
 * is told holds a link, signed by this server, under which whoever runs the client can end that without an operator.
 */
import { timingSafeEqual } from 'node:crypto';
import type { Seal } from '../../../database/seal.ts';
import { isPublicId } from '../../../database/public-id.ts';
import type { Acme } from '../handler.ts';
import { AcmeError } from '../problem.ts';
import type { Site } from '../site.ts';

/** Long enough for somebody to come back from holidays and read the log. */
const LINK_LIFE_MS = 14 * 86_400_000;
const RETRY_AFTER_S = '86400';

export const pausedByOperator = (): AcmeError =>
  new AcmeError('rateLimited', 'The operator of this server has paused this account: it may order nothing until it is unpaused.', { headers: { 'Retry-After': RETRY_AFTER_S } });

export function isPausedFor({ seal, clock }: Pick<Acme, 'seal' | 'clock'>, site: Site, account: string, names: readonly string[]): AcmeError {
  const url = unpauseUrl(seal, site, account, clock.now());
  const shown = names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
  return new AcmeError('rateLimited', `This account is paused for ${shown}: every validation failed, many times in a row. When the cause is mended, open ${url} to go on.`, {
    instance: url, headers: { 'Retry-After': RETRY_AFTER_S, Link: `<${url}>;rel="help"` },
  });
}

/** `…/unpause/ACCOUNT.EXPIRES.MAC`: it says nothing that the account does not know, and ends by itself. */
function unpauseUrl(seal: Seal, site: Site, account: string, now: number): string {
  const expires = Math.ceil((now + LINK_LIFE_MS) / 1000).toString(36);
  return `${site.base}/unpause/${account}.${expires}.${macOf(seal, site, account, expires)}`;
}

/** The account of a link that this server made for this directory and that is still good; undefined else. */
export function accountOfLink(seal: Seal, site: Site, token: string, now: number): string | undefined {
  const [account = '', expires = '', mac = '', ...more] = token.split('.');
  if (more.length > 0 || !isPublicId(account) || !/^[0-9a-z]{1,10}$/.test(expires)) return undefined;
  const [given, right] = [Buffer.from(mac), Buffer.from(macOf(seal, site, account, expires))];
  if (given.length !== right.length || !timingSafeEqual(given, right)) return undefined;
  return Number.parseInt(expires, 36) * 1000 > now ? account : undefined;
}

const macOf = (seal: Seal, { realm, directory }: Site, account: string, expires: string): string =>
  seal.mac('unpause link', [realm, directory.name, account, expires].join(' ')).toString('base64url');
