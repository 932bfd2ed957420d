/** SQL of revokeCert: a certificate that anybody may name, and the account that it was issued to. */
import type { Database } from '../../../database/database.ts';
import { statement } from '../../../database/statement.ts';
import { readSerial } from '../../../x509/serial.ts';

/** A certificate as recorded. `directory` is that of the ACME account which asked for it; undefined when another door did. */
export interface Issued {
  readonly der: Uint8Array;
  readonly requesterKind: string;
  readonly requesterId: string;
  readonly requestRef: string;
  readonly directory: string | undefined;
}

const findBySerial = statement((k, p) =>
  k('certificate as c')
    .select('c.der', 'c.requester_kind', 'c.requester_id', 'c.request_ref', 'a.directory')
    .leftJoin('acme_account as a', (join) => { join.on('a.id', 'c.requester_id').on('a.realm', 'c.realm'); })
    .where({ 'c.issuer_key': p('issuer_key'), 'c.serial': p('serial'), 'c.day': p('day'), 'c.realm': p('realm') }));

/** `serial` in hex, as in the certificate's content octets. */
export async function issuedAs(database: Database, realm: string, issuerKey: string, serial: string): Promise<Issued | undefined> {
  interface Row { der: Uint8Array; requester_kind: string; requester_id: string; request_ref: string; directory: string | null }
  const day = readSerial(serial)?.day;
  if (day === undefined) return undefined;
  const row = await database.one<Row>(findBySerial, { realm, issuer_key: issuerKey, serial, day });
  return row && {
    der: row.der, requesterKind: row.requester_kind, requesterId: row.requester_id, requestRef: row.request_ref, directory: row.directory ?? undefined,
  };
}
