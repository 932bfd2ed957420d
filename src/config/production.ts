/** What production mode refuses, each with the reason: all of it is right on a laptop and dangerous elsewhere. */
import type { ConfigFiles } from './files.ts';

/** Labels of the tokens that the development ceremony makes. */
const DEVELOPMENT_TOKENS = ['chancery-root', 'chancery-intermediate', 'chancery-staging-root', 'chancery-staging-intermediate'];
/** A range wider than this opens more than anybody's own network. */
const WIDEST = { 4: 8, 16: 7 } as const;

export function checkProduction({ ca, issuers, directories }: ConfigFiles): void {
  const { validation, listeners } = ca.read;
  if (validation?.loopback) {
    ca.faults.add(
      ['validation', 'loopback'],
      'is true, which production refuses: whoever has a port on this machine could prove control of localhost; set it to false',
    );
  }
  validation?.allow.forEach(({ text, octets, prefix }, at) => {
    const widest = WIDEST[octets.length as 4 | 16];
    if (prefix < widest) {
      ca.faults.add(
        ['validation', 'allow', at],
        `${text} is wider than /${widest}, which production refuses: clients could make the server dial anywhere; list the networks of your hosts`,
      );
    }
  });
  for (const [name, listener] of Object.entries(listeners ?? {})) {
    if (listener?.port === 0)
      ca.faults.add(['listeners', name], 'has port 0, any free port, which production refuses: nobody would find it');
  }
  for (const [name, { externalUrl }] of directories) {
    if (externalUrl !== undefined && /^https:\/\/(localhost|127\.0\.0\.1|\[::1\])(:|\/|$)/.test(externalUrl)) {
      ca.faults.add(
        ['directories', name, 'externalUrl'],
        `"${externalUrl}" leads clients to themselves, which production refuses: write this server's name`,
      );
    }
  }
  for (const { read, faults } of issuers.values()) {
    if (read.key?.token !== undefined && DEVELOPMENT_TOKENS.includes(read.key.token)) {
      faults.add(
        ['key'],
        `is in the token "${read.key.token}" of the development ceremony, which production refuses: its PIN lies beside it; use a key from a key ceremony (ceremony/README.md)`,
      );
    }
    if (/^(development|staging-development)/.test(read.id ?? '')) {
      faults.add(
        ['id'],
        `"${read.id}" is an issuer key of the development ceremony, which production refuses: nobody watched it being made`,
      );
    }
    if (read.ocsp?.key.token !== undefined && DEVELOPMENT_TOKENS.includes(read.ocsp.key.token)) {
      faults.add(
        ['ocsp', 'key'],
        `is in the token "${read.ocsp.key.token}" of the development ceremony, which production refuses: its PIN lies beside it`,
      );
    }
    const urls = [[['crlUrl'], read.crlUrl], [['caIssuersUrl'], read.caIssuersUrl], [['ocsp', 'url'], read.ocsp?.url]] as const;
    for (const [key, url] of urls) {
      if (url !== undefined && /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:|\/|$)/.test(url)) {
        faults.add(
          key,
          `"${url}" leads relying parties to themselves, which production refuses: it stands in every certificate; write this server's name`,
        );
      }
    }
  }
}
