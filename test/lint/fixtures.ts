/**
 * Fixtures for lints: a lawful TBS, taken apart into its fields, changed in one, put together again by our own writer. So each
 * failing certificate differs from a passing one in what its lint is about, and making them again gives the same bytes.
 */
import type { Linted, LintedCrl } from '../../src/lint/lint.ts';
import { parseTbs } from '../../src/x509/certificate.ts';
import { parseCrlTbs, renderCrlTbs } from '../../src/x509/crl.ts';
import { encodeEntries, type Revoked } from '../../src/x509/crl-entries.ts';
import { bitString, constructed, element, integer, oid, readWhole, sequence, setOf, TAG, text } from '../../src/x509/der.ts';
import { decodeExtensions, encodeExtension, type Extension } from '../../src/x509/extensions.ts';
import { OID } from '../../src/x509/oid.ts';
import type { CertificateShape, IssuerShape, TbsFacts } from '../../src/x509/shape.ts';
import { renderTbs } from '../../src/x509/tbs.ts';
import { factsFor, hierarchy, NOW, type Profile, SHAPES } from '../x509/material.ts';

/** The fields of a TBSCertificate, DER each. */
export interface Fields {
  version: Uint8Array | undefined;
  serial: Uint8Array;
  signature: Uint8Array;
  issuer: Uint8Array;
  validity: Uint8Array;
  subject: Uint8Array;
  spki: Uint8Array;
  uniqueIds: Uint8Array[];
  extensions: Extension[];
}

function takeApart(tbs: Uint8Array): Fields {
  const reader = readWhole(tbs, TAG.sequence, 'the TBS');
  const next = (): Uint8Array => reader.element('a field');
  const [version, serial, signature, issuer] = [next(), next(), next(), next()];
  const [validity, subject, spki] = [next(), next(), next()];
  const extensions = decodeExtensions(reader.enter(constructed(3), 'the extensions'));
  return { version, serial, signature, issuer, validity, subject, spki, uniqueIds: [], extensions };
}

function putTogether(f: Fields): Uint8Array {
  const version = f.version === undefined ? [] : [f.version];
  const extensions = element(constructed(3), sequence(...f.extensions.map(encodeExtension)));
  return sequence(...version, f.serial, f.signature, f.issuer, f.validity, f.subject, f.spki, ...f.uniqueIds, extensions);
}

export interface Change {
  readonly profile?: Profile;
  readonly facts?: Partial<TbsFacts>;
  /** What it is rendered from, where that differs from the profile. */
  readonly shape?: Partial<CertificateShape>;
  readonly issuer?: Partial<IssuerShape>;
  /** What it is linted against, where that differs from what it was rendered from. */
  readonly against?: { readonly shape?: Partial<CertificateShape>; readonly issuer?: Partial<IssuerShape> };
  readonly edit?: (fields: Fields) => void;
}

/** A TBS beside its shape and issuer; without changes, a lawful one. */
export function certificate(change: Change = {}): Linted {
  const { profile = 'server', facts, shape, issuer, against, edit } = change;
  const renderShape = { ...SHAPES[profile], ...shape } as CertificateShape;
  const renderIssuer = { ...hierarchy('ecdsa-sha256-p256').issuer, ...issuer } as IssuerShape;
  const fields = takeApart(renderTbs(renderShape, renderIssuer, { ...factsFor(profile), ...facts }));
  edit?.(fields);
  return {
    tbs: parseTbs(putTogether(fields)),
    shape: { ...renderShape, ...against?.shape },
    issuer: { ...renderIssuer, ...against?.issuer },
  };
}

type Edit = (fields: Fields) => void;

export const drop = (id: string): Edit => (fields) => {
  fields.extensions = fields.extensions.filter((extension) => extension.oid !== id);
};

export const alter = (id: string, change: Partial<Extension>): Edit => (fields) => {
  fields.extensions = fields.extensions.map((extension) => (extension.oid === id ? { ...extension, ...change } : extension));
};

export const add = (id: string, value: Uint8Array, critical = false): Edit => (fields) => {
  fields.extensions.push({ oid: id, critical, value });
};

/** SAN with these GeneralNames, DER each. */
export const altNames = (...names: Uint8Array[]): Edit => alter(OID.subjectAltName, { value: sequence(...names) });

export const generalName = (tag: number, value: string): Uint8Array => text(tag, value);

/** A Name from RDNs of `[attribute, string type, value]`. */
export const name = (...rdns: (readonly [keyof typeof OID, number, string])[][]): Uint8Array =>
  sequence(...rdns.map((rdn) => setOf(...rdn.map(([attribute, tag, value]) => sequence(oid(OID[attribute]), text(tag, value))))));

/** A SubjectPublicKeyInfo with an RSA key of this modulus. */
export const rsaSpki = (modulus: bigint, exponent = 65_537n): Uint8Array =>
  sequence(Buffer.from('300d06092a864886f70d0101010500', 'hex'), bitString(sequence(integer(modulus), integer(exponent))));

export const ecSpki = (point: Uint8Array): Uint8Array =>
  sequence(Buffer.from('301306072a8648ce3d020106082a8648ce3d030107', 'hex'), bitString(point));

export interface CrlChange {
  readonly number?: bigint;
  readonly thisUpdate?: number;
  readonly nextUpdate?: number;
  readonly revoked?: readonly Revoked[];
  readonly issuer?: Partial<IssuerShape>;
  /** The shard that it is linted as. */
  readonly shard?: number;
  readonly edit?: (fields: CrlFields) => void;
}

export interface CrlFields {
  head: Uint8Array[]; // version, signature, issuer, thisUpdate, nextUpdate
  revoked: Uint8Array | undefined;
  extensions: Extension[];
}

/** A TBSCertList beside its issuer and shard; without changes, a lawful one with one entry. */
export function crl(change: CrlChange = {}): LintedCrl {
  const { issuer } = hierarchy('ecdsa-sha256-p256');
  const tbs = renderCrlTbs(issuer, {
    shard: 3, number: change.number ?? 1n, thisUpdate: change.thisUpdate ?? NOW,
    nextUpdate: change.nextUpdate ?? NOW + 9 * 86_400_000 - 1000,
    entries: encodeEntries(change.revoked ?? [{ serial: '07aa', at: NOW - 1000, reason: 4 }]),
  });
  const reader = readWhole(tbs, TAG.sequence, 'the TBS');
  const fields: CrlFields = {
    head: [1, 2, 3, 4, 5].map(() => reader.element('a field')),
    revoked: reader.tag === TAG.sequence ? reader.element('the list') : undefined,
    extensions: decodeExtensions(reader.enter(constructed(0), 'the extensions')),
  };
  change.edit?.(fields);
  const list = fields.revoked === undefined ? [] : [fields.revoked];
  const extensions = element(constructed(0), sequence(...fields.extensions.map(encodeExtension)));
  return {
    crl: parseCrlTbs(sequence(...fields.head, ...list, extensions)),
    issuer: { ...issuer, ...change.issuer }, shard: change.shard ?? 3,
  };
}
