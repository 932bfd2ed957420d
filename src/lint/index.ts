/** All lints, and the two calls that run them. A finding of severity `error` means: not to be signed. */
import { attributeValueInvalidEncodingType } from './rfc5280/attribute-value-invalid-encoding-type.ts';
import { crlReasonCodeExtensionCritical } from './rfc5280/crl-reason-code-extension-critical.ts';
import { crlUnspecifiedCrlEntryReasonCode } from './rfc5280/crl-unspecified-crl-entry-reason-code.ts';
import { eCrlAuthKeyIdOnlyContainsKeyid } from './rfc5280/e-crl-auth-key-id-only-contains-keyid.ts';
import { eCrlEmptyRevokedCertificates } from './rfc5280/e-crl-empty-revoked-certificates.ts';
import { eCrlMissingCrlNumber } from './rfc5280/e-crl-missing-crl-number.ts';
import { eCrlNextUpdateInvalid } from './rfc5280/e-crl-next-update-invalid.ts';
import { eCrlNumberOutOfRange } from './rfc5280/e-crl-number-out-of-range.ts';
import { eCrlRevocationTimeAfterThisUpdate } from './rfc5280/e-crl-revocation-time-after-this-update.ts';
import { eDistributionPointIncomplete } from './rfc5280/e-distribution-point-incomplete.ts';
import { eExtAiaMarkedCritical } from './rfc5280/e-ext-aia-marked-critical.ts';
import { eExtKeyUsageCertSignWithoutCa } from './rfc5280/e-ext-key-usage-cert-sign-without-ca.ts';
import { eExtKeyUsageWithoutBits } from './rfc5280/e-ext-key-usage-without-bits.ts';
import { eExtSanDnsNotIa5String } from './rfc5280/e-ext-san-dns-not-ia5-string.ts';
import { eExtSanNoEntries } from './rfc5280/e-ext-san-no-entries.ts';
import { eExtSanUriRelative } from './rfc5280/e-ext-san-uri-relative.ts';
import { eIncorrectKuEncoding } from './rfc5280/e-incorrect-ku-encoding.ts';
import { eIssuerFieldEmpty } from './rfc5280/e-issuer-field-empty.ts';
import { ePathLenConstraintImproperlyIncluded } from './rfc5280/e-path-len-constraint-improperly-included.ts';
import { ituInvalidAsn1Syntax } from './rfc5280/itu-invalid-asn1-syntax.ts';
import { nameAttributeValueTooLong } from './rfc5280/name-attribute-value-too-long.ts';
import { pkixAuthorityKeyIdentifierCritical } from './rfc5280/pkix-authority-key-identifier-critical.ts';
import { pkixAuthorityKeyIdentifierKeyidMissing } from './rfc5280/pkix-authority-key-identifier-keyid-missing.ts';
import { pkixCertificateNegativeValidityPeriod } from './rfc5280/pkix-certificate-negative-validity-period.ts';
import { pkixCertificateSerialNumberOutOfRange } from './rfc5280/pkix-certificate-serial-number-out-of-range.ts';
import { pkixCertificateVersionIsNotV3 } from './rfc5280/pkix-certificate-version-is-not-v3.ts';
import { pkixDuplicateExtension } from './rfc5280/pkix-duplicate-extension.ts';
import { pkixIpAddressWrongLength } from './rfc5280/pkix-ip-address-wrong-length.ts';
import { pkixIssuerUniqueIdPresent } from './rfc5280/pkix-issuer-unique-id-present.ts';
import { pkixKeyUsageValueProhibitedForEc } from './rfc5280/pkix-key-usage-value-prohibited-for-ec.ts';
import { pkixKeyUsageValueProhibitedForEdwardsCurve } from './rfc5280/pkix-key-usage-value-prohibited-for-edwards-curve.ts';
import { pkixKeyUsageValueProhibitedForRsa } from './rfc5280/pkix-key-usage-value-prohibited-for-rsa.ts';
import { pkixSanExtensionNotCriticalEmptySubject } from './rfc5280/pkix-san-extension-not-critical-empty-subject.ts';
import { pkixSubjectUniqueIdPresent } from './rfc5280/pkix-subject-unique-id-present.ts';
import { pkixWrongTimeUsefulType } from './rfc5280/pkix-wrong-time-useful-type.ts';
import { wExtSanCriticalWithSubjectDn } from './rfc5280/w-ext-san-critical-with-subject-dn.ts';
import { xCrlVersionIsNotV2 } from './rfc5280/x-crl-version-is-not-v2.ts';
import { aiaDuplicateLocation } from './cabf/aia-duplicate-location.ts';
import { aiaLocationNotUri } from './cabf/aia-location-not-uri.ts';
import { aiaLocationUriNotHttp } from './cabf/aia-location-uri-not-http.ts';
import { cabfCrlInvalidValidityPeriod } from './cabf/cabf-crl-invalid-validity-period.ts';
import { cabfEcdsaKeyValidationFailed } from './cabf/cabf-ecdsa-key-validation-failed.ts';
import { cabfRsaExponentProhibitedValue } from './cabf/cabf-rsa-exponent-prohibited-value.ts';
import { cabfRsaModulusHasSmallPrimeFactor } from './cabf/cabf-rsa-modulus-has-small-prime-factor.ts';
import { cabfRsaModulusInvalidLength } from './cabf/cabf-rsa-modulus-invalid-length.ts';
import { crldpDpProhibitedFieldPresent } from './cabf/crldp-dp-prohibited-field-present.ts';
import { crldpDpnameProhibitedGeneralnameType } from './cabf/crldp-dpname-prohibited-generalname-type.ts';
import { crldpDpnameProhibitedUriScheme } from './cabf/crldp-dpname-prohibited-uri-scheme.ts';
import { crldpMultipleDistributionpointsPresent } from './cabf/crldp-multiple-distributionpoints-present.ts';
import { eCabCrlHasValidReasonCode } from './cabf/e-cab-crl-has-valid-reason-code.ts';
import { invalidDnsnameSyntax } from './cabf/invalid-dnsname-syntax.ts';
import { invalidRdnOrder } from './cabf/invalid-rdn-order.ts';
import { ocspResponderCrlDistributionPointsExtensionPresent } from './cabf/ocsp-responder-crl-distribution-points-extension-present.ts';
import { ocspResponderOcspNocheckExtensionAbsent } from './cabf/ocsp-responder-ocsp-nocheck-extension-absent.ts';
import { ocspResponderProhibitedKuPresent } from './cabf/ocsp-responder-prohibited-ku-present.ts';
import { ocspResponderSubjectAltnameExtensionPresent } from './cabf/ocsp-responder-subject-altname-extension-present.ts';
import { ocspResponderUnknownEkuPresent } from './cabf/ocsp-responder-unknown-eku-present.ts';
import { subscriberOcspsigningEkuPresent } from './cabf/subscriber-ocspsigning-eku-present.ts';
import { prohibitedDuplicateAttributeType } from './cabf/prohibited-duplicate-attribute-type.ts';
import { prohibitedSignatureAlgorithmEncoding } from './cabf/prohibited-signature-algorithm-encoding.ts';
import { prohibitedSubjectPublicKeyAlgorithmEncoding } from './cabf/prohibited-subject-public-key-algorithm-encoding.ts';
import { rdnContainsMultipleAtvs } from './cabf/rdn-contains-multiple-atvs.ts';
import { subscriberAnyekuEkuPresent } from './cabf/subscriber-anyeku-eku-present.ts';
import { subscriberAuthorityInfoAccessExtensionAbsent } from './cabf/subscriber-authority-info-access-extension-absent.ts';
import { subscriberAuthorityKeyIdentifierExtensionAbsent } from './cabf/subscriber-authority-key-identifier-extension-absent.ts';
import { subscriberCriticalCrlDistributionPointsExtension } from './cabf/subscriber-critical-crl-distribution-points-extension.ts';
import { subscriberCriticalExtendedKeyUsageExtension } from './cabf/subscriber-critical-extended-key-usage-extension.ts';
import { subscriberExtendedKeyUsageExtensionAbsent } from './cabf/subscriber-extended-key-usage-extension-absent.ts';
import { subscriberNameConstraintsExtensionPresent } from './cabf/subscriber-name-constraints-extension-present.ts';
import { subscriberNonCriticalBasicConstraintsExtension } from './cabf/subscriber-non-critical-basic-constraints-extension.ts';
import { subscriberNonCriticalKeyUsageExtension } from './cabf/subscriber-non-critical-key-usage-extension.ts';
import { subscriberRevocationInformationAbsent } from './cabf/subscriber-revocation-information-absent.ts';
import { subscriberSubjectAltnameExtensionAbsent } from './cabf/subscriber-subject-altname-extension-absent.ts';
import { subscriberUnknownAiaAccessMethodPresent } from './cabf/subscriber-unknown-aia-access-method-present.ts';
import { subscriberBasicConstraintsCaBitSet } from './cabf/subscriber-basic-constraints-ca-bit-set.ts';
import { subscriberCommonNameUnknownSource } from './cabf/subscriber-common-name-unknown-source.ts';
import { wExtSubjectKeyIdentifierNotRecommendedSubscriber } from './cabf/w-ext-subject-key-identifier-not-recommended-subscriber.ts';
import { prohibitedSanType } from './house/prohibited-san-type.ts';
import { xAkiSkiMismatch } from './house/x-aki-ski-mismatch.ts';
import { xAuthorityInfoAccessNotIssuers } from './house/x-authority-info-access-not-issuers.ts';
import { xBasicConstraintsAbsent } from './house/x-basic-constraints-absent.ts';
import { xCrlAkiSkiMismatch } from './house/x-crl-aki-ski-mismatch.ts';
import { xCrlDistributionPointNotShards } from './house/x-crl-distribution-point-not-shards.ts';
import { xCrlIdpCdpMismatch } from './house/x-crl-idp-cdp-mismatch.ts';
import { xCrlIdpScope } from './house/x-crl-idp-scope.ts';
import { xCrlIssuerDnBytesMismatch } from './house/x-crl-issuer-dn-bytes-mismatch.ts';
import { xCrlSerialListedTwice } from './house/x-crl-serial-listed-twice.ts';
import { xCrlSignatureAlgorithmNotIssuers } from './house/x-crl-signature-algorithm-not-issuers.ts';
import { xCrlUnexpectedExtension } from './house/x-crl-unexpected-extension.ts';
import { xEd25519KeyInvalid } from './house/x-ed25519-key-invalid.ts';
import { xExtendedKeyUsageNotProfiles } from './house/x-extended-key-usage-not-profiles.ts';
import { xIpAddressV4Mapped } from './house/x-ip-address-v4-mapped.ts';
import { xIssuerDnBytesMismatch } from './house/x-issuer-dn-bytes-mismatch.ts';
import { xKeyUsageAbsent } from './house/x-key-usage-absent.ts';
import { xKeyUsageNotProfiles } from './house/x-key-usage-not-profiles.ts';
import { xNameOutsideIssuerConstraints } from './house/x-name-outside-issuer-constraints.ts';
import { xNoRevAvail } from './house/x-no-rev-avail.ts';
import { xOcspResponderValidTooLong } from './house/x-ocsp-responder-valid-too-long.ts';
import { xRsaKeyOfBrokenGenerator } from './house/x-rsa-key-of-broken-generator.ts';
import { xSanDuplicateName } from './house/x-san-duplicate-name.ts';
import { xSanTooManyNames } from './house/x-san-too-many-names.ts';
import { xSerialShape } from './house/x-serial-shape.ts';
import { xSignatureAlgorithmNotIssuers } from './house/x-signature-algorithm-not-issuers.ts';
import { xSpiffeIdInvalid } from './house/x-spiffe-id-invalid.ts';
import { xSpiffeSingleUri } from './house/x-spiffe-single-uri.ts';
import { xSpkiIsIssuerKey } from './house/x-spki-is-issuer-key.ts';
import { xSubjectAttributeNotInProfile } from './house/x-subject-attribute-not-in-profile.ts';
import { xUnexpectedExtension } from './house/x-unexpected-extension.ts';
import { xValidityExceedsProfile } from './house/x-validity-exceeds-profile.ts';
import { xValidityExtraSecond } from './house/x-validity-extra-second.ts';
import { xValidityOutsideIssuer } from './house/x-validity-outside-issuer.ts';
import { type CrlLint, type Finding, type Lint, type Linted, type LintedCrl, runEach } from './lint.ts';

export type { CrlLint, Finding, Lint, Linted, LintedCrl };

/** For certificates: the RFC first, then the Baseline Requirements, then what we ask of ourselves. */
export const allLints: readonly Lint[] = [
  ituInvalidAsn1Syntax,
  pkixCertificateVersionIsNotV3,
  pkixCertificateSerialNumberOutOfRange,
  pkixCertificateNegativeValidityPeriod,
  pkixWrongTimeUsefulType,
  pkixIssuerUniqueIdPresent,
  pkixSubjectUniqueIdPresent,
  pkixDuplicateExtension,
  eIssuerFieldEmpty,
  attributeValueInvalidEncodingType,
  nameAttributeValueTooLong,
  pkixAuthorityKeyIdentifierCritical,
  pkixAuthorityKeyIdentifierKeyidMissing,
  pkixSanExtensionNotCriticalEmptySubject,
  wExtSanCriticalWithSubjectDn,
  eExtSanNoEntries,
  eExtSanDnsNotIa5String,
  eExtSanUriRelative,
  pkixIpAddressWrongLength,
  eIncorrectKuEncoding,
  eExtKeyUsageWithoutBits,
  eExtKeyUsageCertSignWithoutCa,
  pkixKeyUsageValueProhibitedForEc,
  pkixKeyUsageValueProhibitedForRsa,
  pkixKeyUsageValueProhibitedForEdwardsCurve,
  ePathLenConstraintImproperlyIncluded,
  eDistributionPointIncomplete,
  eExtAiaMarkedCritical,
  prohibitedSignatureAlgorithmEncoding,
  prohibitedSubjectPublicKeyAlgorithmEncoding,
  cabfRsaModulusInvalidLength,
  cabfRsaExponentProhibitedValue,
  cabfRsaModulusHasSmallPrimeFactor,
  cabfEcdsaKeyValidationFailed,
  invalidRdnOrder,
  rdnContainsMultipleAtvs,
  prohibitedDuplicateAttributeType,
  invalidDnsnameSyntax,
  subscriberAuthorityKeyIdentifierExtensionAbsent,
  subscriberAuthorityInfoAccessExtensionAbsent,
  subscriberExtendedKeyUsageExtensionAbsent,
  subscriberSubjectAltnameExtensionAbsent,
  subscriberRevocationInformationAbsent,
  subscriberNonCriticalBasicConstraintsExtension,
  subscriberNonCriticalKeyUsageExtension,
  subscriberCriticalExtendedKeyUsageExtension,
  subscriberCriticalCrlDistributionPointsExtension,
  subscriberAnyekuEkuPresent,
  subscriberOcspsigningEkuPresent,
  subscriberBasicConstraintsCaBitSet,
  subscriberNameConstraintsExtensionPresent,
  subscriberUnknownAiaAccessMethodPresent,
  aiaLocationNotUri,
  aiaLocationUriNotHttp,
  aiaDuplicateLocation,
  crldpDpProhibitedFieldPresent,
  crldpDpnameProhibitedGeneralnameType,
  crldpDpnameProhibitedUriScheme,
  crldpMultipleDistributionpointsPresent,
  wExtSubjectKeyIdentifierNotRecommendedSubscriber,
  subscriberCommonNameUnknownSource,
  ocspResponderCrlDistributionPointsExtensionPresent,
  ocspResponderOcspNocheckExtensionAbsent,
  ocspResponderProhibitedKuPresent,
  ocspResponderSubjectAltnameExtensionPresent,
  ocspResponderUnknownEkuPresent,
  xIssuerDnBytesMismatch,
  xAkiSkiMismatch,
  xSignatureAlgorithmNotIssuers,
  xSerialShape,
  xValidityExceedsProfile,
  xValidityExtraSecond,
  xValidityOutsideIssuer,
  xKeyUsageNotProfiles,
  xExtendedKeyUsageNotProfiles,
  xCrlDistributionPointNotShards,
  xAuthorityInfoAccessNotIssuers,
  xNoRevAvail,
  xOcspResponderValidTooLong,
  xUnexpectedExtension,
  xBasicConstraintsAbsent,
  xKeyUsageAbsent,
  xSubjectAttributeNotInProfile,
  prohibitedSanType,
  xSanTooManyNames,
  xSanDuplicateName,
  xIpAddressV4Mapped,
  xSpiffeSingleUri,
  xSpiffeIdInvalid,
  xNameOutsideIssuerConstraints,
  xSpkiIsIssuerKey,
  xRsaKeyOfBrokenGenerator,
  xEd25519KeyInvalid,
];

/** For CRLs. */
export const allCrlLints: readonly CrlLint[] = [
  eCrlEmptyRevokedCertificates,
  eCrlMissingCrlNumber,
  eCrlNumberOutOfRange,
  eCrlAuthKeyIdOnlyContainsKeyid,
  eCrlNextUpdateInvalid,
  eCrlRevocationTimeAfterThisUpdate,
  crlReasonCodeExtensionCritical,
  crlUnspecifiedCrlEntryReasonCode,
  xCrlVersionIsNotV2,
  eCabCrlHasValidReasonCode,
  cabfCrlInvalidValidityPeriod,
  xCrlIdpCdpMismatch,
  xCrlIdpScope,
  xCrlIssuerDnBytesMismatch,
  xCrlAkiSkiMismatch,
  xCrlSignatureAlgorithmNotIssuers,
  xCrlUnexpectedExtension,
  xCrlSerialListedTwice,
];

export const runLints = (linted: Linted): Finding[] => runEach(allLints, linted, linted.tbs.notBefore);
export const runCrlLints = (linted: LintedCrl): Finding[] => runEach(allCrlLints, linted, linted.crl.thisUpdate);
