/**
 * The operator's door: a Unix socket in the state directory, so that who may use it is who may open the file.
 * The command line speaks to it in JSON; every answer has `ok`, and `message` when it is false.
 */
import type { Door, HttpReply, HttpRequest, HttpRoute } from '../../http/route.ts';

/** What the door can have done; wiring gives it. A thrown `OperatorMistake` is told, anything else is our fault. */
export interface Operations {
  status(): Promise<unknown>;
  applyConfiguration(dryRun: boolean): Promise<unknown>;
  explain(question: unknown): unknown;
  showChallenge(request: unknown): Promise<unknown>;
  revoke(request: unknown): Promise<unknown>;
  unhold(request: unknown): Promise<unknown>;
  pullRenewals(request: unknown): Promise<unknown>;
  listPulls(request: unknown): Promise<unknown>;
  createCredential(request: unknown): Promise<unknown>;
  listCredentials(request: unknown): Promise<unknown>;
  revokeCredential(request: unknown): Promise<unknown>;
  listAccounts(request: unknown): Promise<unknown>;
  showAccount(request: unknown): Promise<unknown>;
  changeAccount(request: unknown): Promise<unknown>;
}

export class OperatorMistake extends Error {
  override readonly name = 'OperatorMistake';
}

export function createAdminDoor(operations: Operations): Door {
  return {
    name: 'admin',
    prefix: '/',
    routes: [
      row('GET', '/status', () => operations.status()),
      row('POST', '/config/apply', (body) => operations.applyConfiguration(isDryRun(body))),
      row('POST', '/explain', (body) => operations.explain(body)),
      row('POST', '/challenge/show', (body) => operations.showChallenge(body)),
      row('POST', '/revoke', (body) => operations.revoke(body)),
      row('POST', '/unhold', (body) => operations.unhold(body)),
      row('POST', '/renewals/pull', (body) => operations.pullRenewals(body)),
      row('POST', '/renewals/list', (body) => operations.listPulls(body)),
      row('POST', '/eab/create', (body) => operations.createCredential(body)),
      row('POST', '/eab/list', (body) => operations.listCredentials(body)),
      row('POST', '/eab/revoke', (body) => operations.revokeCredential(body)),
      row('POST', '/accounts/list', (body) => operations.listAccounts(body)),
      row('POST', '/accounts/show', (body) => operations.showAccount(body)),
      row('POST', '/accounts/change', (body) => operations.changeAccount(body)),
    ],
  };
}

function row(method: 'GET' | 'POST', path: string, operation: (body: unknown) => unknown): HttpRoute {
  return {
    method, path,
    async handle(request) {
      try {
        return json(200, { ok: true, result: await operation(method === 'POST' ? await read(request) : undefined) });
      } catch (error) {
        if (!(error instanceof OperatorMistake)) throw error;
        return json(422, { ok: false, message: error.message });
      }
    },
  };
}

async function read(request: HttpRequest): Promise<unknown> {
  try {
    return JSON.parse((await request.body()).toString('utf8'));
  } catch (cause) {
    throw new OperatorMistake('the request is not JSON', { cause });
  }
}

const isDryRun = (body: unknown): boolean => (body as { dryRun?: unknown } | null)?.dryRun === true;

const json = (status: number, body: unknown): HttpReply =>
  ({ status, headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }, body: JSON.stringify(body) });
