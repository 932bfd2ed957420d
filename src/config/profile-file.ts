/** ca-config/profiles/NAME.yaml: what a certificate of this kind looks like. */
import { z } from 'zod';
import type { NameType } from '../x509/name.ts';
import { type ExtendedKeyUsage, type KeyUsage, LONGEST_RESPONDER_MS, SHORT_LIVED_MS, type SubjectAttribute } from '../x509/shape.ts';
import type { FaultsOf } from './fault.ts';
import type { Profile } from './generation.ts';
import type { RenewalRule } from './renewal-rule.ts';
import { type Complete, mapping, parsed, type Read } from './schema.ts';
import { duration, durationText, percent, simpleName } from './values.ts';

/** Key usages that a certificate of an end entity may have; those of a CA are not for configuration. */
const KEY_USAGES = ['digitalSignature', 'keyEncipherment', 'keyAgreement'] as const satisfies readonly KeyUsage[];
const EXTENDED_KEY_USAGES = ['serverAuth', 'clientAuth', 'ocspSigning'] as const satisfies readonly ExtendedKeyUsage[];
const NAME_TYPES = ['dns', 'ip', 'uri', 'email'] as const satisfies readonly NameType[];
const DAY_MS = 86_400_000;
/** CA/Browser Forum BR 6.3.2 (2026): no TLS server needs more. Devices may: they are not reached as easily. */
const MAX_VALIDITY_MS = { serverAuth: 200 * DAY_MS, otherwise: 3660 * DAY_MS };
const MAX_BACKDATE_MS = 3_600_000;

export const profileKeys = {
  /** For people: consoles and the ACME directory's list of profiles show it. */
  description: z.string().min(1).max(200),
  /** The issuer group that signs it. */
  group: parsed(simpleName).prefault('default'),
  /** True for what serves the server itself: no door may offer it. */
  internal: z.boolean().default(false),
  /** Its certificates may be held, which is a revocation that can be taken back. BR §7.2.2 forbids it to public ones. */
  hold: z.boolean().default(false),
  /** Kinds of names that may stand in the certificate. */
  names: z.array(z.enum(NAME_TYPES)),
  maxNames: z.int().min(1).max(1000).default(100),
  /** The one name is a SPIFFE ID, and the certificate an X.509-SVID. */
  spiffe: z.boolean().default(false),
  /** Subject attributes, each `required` or `optional`; none gives an empty subject. */
  subject: mapping({
    serialNumber: z.enum(['required', 'optional']).optional(),
    commonName: z.enum(['required', 'optional']).optional(),
  }).prefault({}),
  keyUsage: z.array(z.enum(KEY_USAGES)).min(1),
  /** Bits added when the subject key is RSA. */
  rsaKeyUsage: z.array(z.enum(KEY_USAGES)).optional(),
  extendedKeyUsage: z.array(z.enum(EXTENDED_KEY_USAGES)).min(1),
  /** What a requester gets who asks for nothing else. */
  validity: parsed(duration).prefault('160h'),
  /** The most that a requester may ask for; `validity` when absent. */
  maxValidity: parsed(duration).optional(),
  /** How far in the past notBefore lies, for relying parties whose clocks are slow. */
  backdate: parsed(duration).prefault('1h'),
  /** The part of the validity in which clients are told to renew (RFC 9773); by default the middle, or the last third of what lives for 10d or more. */
  renewal: mapping({ from: parsed(percent), to: parsed(percent) }).optional(),
  /** `none` and `noRevAvail` (RFC 9608): short-lived certificates that name nothing to be looked up by. */
  revocation: z.enum(['checked', 'none', 'noRevAvail']).default('checked'),
  /** Whether certificates name the issuer's OCSP responder, where it has one. */
  ocsp: z.boolean().default(true),
} as const;

/** The rules between keys. */
export function checkProfile(file: Read<typeof profileKeys>, faults: FaultsOf): void {
  const { validity, maxValidity = validity, backdate, names, subject, extendedKeyUsage, spiffe, maxNames } = file;
  if (validity !== undefined && maxValidity !== undefined) {
    const most = extendedKeyUsage?.includes('serverAuth') ? MAX_VALIDITY_MS.serverAuth : MAX_VALIDITY_MS.otherwise;
    if (validity > maxValidity)
      faults.add(['validity'], `${durationText(validity)} is more than maxValidity ${durationText(maxValidity)}`);
    if (maxValidity > most) {
      faults.add(
        [file.maxValidity === undefined ? 'validity' : 'maxValidity'],
        `${durationText(maxValidity)} is more than ${durationText(most)}`,
      );
    }
    if (backdate !== undefined && backdate >= validity)
      faults.add(['backdate'], `${durationText(backdate)} is not less than validity ${durationText(validity)}`);
  }
  if (file.renewal !== undefined && file.renewal.from >= file.renewal.to)
    faults.add(['renewal', 'to'], `${file.renewal.to}% is not more than from, ${file.renewal.from}%`);
  if (backdate !== undefined && backdate > MAX_BACKDATE_MS)
    faults.add(['backdate'], `${durationText(backdate)} is more than ${durationText(MAX_BACKDATE_MS)}`);
  for (const key of ['names', 'keyUsage', 'rsaKeyUsage', 'extendedKeyUsage'] as const)
    checkRepeats(key, file[key], faults);
  const attributes = Object.values(subject ?? {}).filter((need) => need !== undefined);
  if (names?.length === 0 && subject !== undefined && !attributes.includes('required')) {
    faults.add(['names'], 'is an empty list: a certificate needs a name, or a subject attribute that is required');
  }
  checkRevocation(file, faults);
  if (spiffe) {
    // SPIFFE X509-SVID §2, §4.4
    if (names !== undefined && names.join() !== 'uri')
      faults.add(['names'], 'is not [uri]: an X.509-SVID has one SPIFFE ID and, here, nothing else');
    if (maxNames !== undefined && maxNames !== 1)
      faults.add(['maxNames'], `${maxNames} is not 1: an X.509-SVID has exactly one SPIFFE ID`);
    if (extendedKeyUsage !== undefined && extendedKeyUsage.length < 2)
      faults.add(['extendedKeyUsage'], 'is not [serverAuth, clientAuth], as an X.509-SVID has it');
  }
}

/** What is not looked up must end by itself soon; and what an OCSP responder needs (RFC 6960 §4.2.2.2). */
function checkRevocation(file: Read<typeof profileKeys>, faults: FaultsOf): void {
  const { validity = 0, maxValidity = validity, revocation, extendedKeyUsage, keyUsage, internal, names } = file;
  const most = file.maxValidity === undefined ? 'validity' : 'maxValidity';
  if (revocation !== undefined && revocation !== 'checked' && maxValidity > SHORT_LIVED_MS) {
    faults.add([most], `${durationText(maxValidity)} is more than 7d, the most without revocation information (revocation: ${revocation})`);
  }
  if (!extendedKeyUsage?.includes('ocspSigning')) return;
  if (extendedKeyUsage.length > 1) faults.add(['extendedKeyUsage'], 'has more than ocspSigning: the key of a responder does nothing else');
  if (keyUsage !== undefined && keyUsage.join() !== 'digitalSignature') faults.add(['keyUsage'], 'is not [digitalSignature], as a responder has it');
  if (internal === false) faults.add(['internal'], 'is not true: a responder serves the server itself, and no door may offer its profile');
  if (names !== undefined && names.length > 0) faults.add(['names'], 'is not []: a responder is known by its key');
  if (maxValidity > LONGEST_RESPONDER_MS)
    faults.add([most], `${durationText(maxValidity)} is more than 90d: a responder's certificate cannot be revoked`);
}

function checkRepeats(key: string, list: readonly string[] | undefined, faults: FaultsOf): void {
  list?.forEach((entry, at) => {
    if (list.indexOf(entry) < at) faults.add([key, at], `"${entry}" is there twice`);
  });
}

/** With a third of its life left, a certificate outlives an outage of days; what lives for less than ten days, only with half of it. */
const renewalByDefault = (validityMs: number): RenewalRule =>
  validityMs < 10 * DAY_MS ? { fromPercent: 45, toPercent: 55 } : { fromPercent: 63, toPercent: 70 };

export function profileOf(name: string, file: Complete<typeof profileKeys>): Profile {
  const attributes = Object.entries(file.subject) as [SubjectAttribute, 'required' | 'optional'][];
  return {
    name,
    description: file.description,
    group: file.group,
    internal: file.internal,
    hold: file.hold,
    requiredSubject: attributes.filter(([, need]) => need === 'required').map(([attribute]) => attribute),
    renewal:
      file.renewal === undefined
        ? renewalByDefault(file.validity)
        : { fromPercent: file.renewal.from, toPercent: file.renewal.to },
    shape: {
      profile: name,
      keyUsage: file.keyUsage,
      ...(file.rsaKeyUsage === undefined ? {} : { rsaKeyUsage: file.rsaKeyUsage }),
      extendedKeyUsage: file.extendedKeyUsage,
      nameTypes: file.names,
      maxNames: file.maxNames,
      spiffe: file.spiffe,
      subject: attributes.map(([attribute]) => attribute),
      validityMs: file.validity,
      maxValidityMs: file.maxValidity ?? file.validity,
      backdateMs: file.backdate,
      ...(file.revocation === 'checked' ? {} : { revocation: file.revocation }),
      ...(file.ocsp ? {} : { ocsp: false }),
    },
  };
}
