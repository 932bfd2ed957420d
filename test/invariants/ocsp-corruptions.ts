/** Every way to break what the checker knows of OCSP. */
import type { Loose } from '../support/corruptible.ts';
import type { Corruption } from './corruptions.ts';

const editLine = (change: (line: Loose) => Loose): Corruption['make'] => (copy) =>
  copy.rewriteLines((lines) => lines.map((line, index) => (index === lines.findIndex(({ purpose }) => purpose === 'ocsp') ? { ...line, ...change(line) } : line)));
const YEAR = 365 * 86_400_000;

export const OCSP: readonly Corruption[] = [
  { what: 'a journal line of OCSP has a digest less than it counts', found: /^I1: journal line \d+ counts other OCSP responses than it has digests/,
    make: editLine(({ note }) => ({ note: { ...note, responses: '2' } })) },
  { what: 'OCSP responses were signed under a certificate that is not recorded', found: /^I3: journal line \d+ has OCSP responses of nobody who may sign them/,
    make: editLine(({ note }) => ({ note: { ...note, responder: '01' } })) },
  { what: 'OCSP responses were signed under the certificate of a server', found: /^I3: journal line \d+ has OCSP responses of nobody who may sign them/,
    make(copy) {
      const { serial } = copy.row("select serial from certificate where profile = 'self'");
      editLine(({ note }) => ({ note: { ...note, responder: serial } }))(copy);
    } },
  { what: 'an expired responder signed', found: /^I3: journal line \d+ has OCSP responses of a responder whose time it was not/,
    make: editLine(({ time }) => ({ time: Number(time) + YEAR })) },
  { what: 'the audit log tells of a line that is of something else', found: /^I5: audit entry .* names a receipt for OCSP responses that no journal has/,
    make: (copy) => copy.replaceEntry("type = 'ocsp.signed'", (said) => { said['sequence'] = 1; }) },
  { what: 'the audit log tells of more OCSP responses than were journaled', found: /^I5: the audit log has more OCSP responses of development-1 [0-9a-f]+ than the journals/,
    make: (copy) => copy.replaceEntry("type = 'ocsp.signed'", (said) => { said['responses'] += 1; }) },
];
