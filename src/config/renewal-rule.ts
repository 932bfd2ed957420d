/** When the certificates of a profile are to be renewed. */

/** The part of a certificate's life over which the renewal windows of a profile are spread (RFC 9773), in per cent of its validity. */
export interface RenewalRule {
  readonly fromPercent: number;
  readonly toPercent: number;
}
