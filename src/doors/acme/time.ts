/** Times as ACME writes them (RFC 3339), to and from ms UTC. */

/** To the second: fractions have tripped clients. */
export const formatTime = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

/** ms UTC, cut to whole seconds as certificates hold them; undefined when it is no RFC 3339 time. */
export function parseTime(text: string): number | undefined {
  const [, year, month, day, hour, minute, second, , zone = ''] = RFC3339.exec(text) ?? [];
  if (year === undefined) return undefined;
  const local = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const utc = Date.parse(`${local}Z`);
  // Date.parse takes 24:00:00 and rolls the 30th of February over: only what comes back as it was is a time.
  if (Number.isNaN(utc) || new Date(utc).toISOString().slice(0, 19) !== local) return undefined;
  const [, sign, hours, minutes] = /^([+-])(\d\d):(\d\d)$/.exec(zone) ?? [];
  if (sign === undefined) return utc;
  if (Number(hours) > 23 || Number(minutes) > 59) return undefined;
  return utc - (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}
