/** `chancery unhold`: takes a certificateHold back. */
import { ask } from './admin-socket.ts';
import { type Command, Mistake } from './command.ts';
import { readOptions } from './options.ts';

export const unhold: Command = {
  name: 'unhold',
  help: `usage: chancery unhold SERIAL [--issuer-key ID] [--json]

Takes the hold on a certificate back: OCSP says good at once, and the next CRL, within a minute, does not list it any more. What is revoked
for any other reason stays revoked.

  scripts/chancery revoke 01c8… --reason certificateHold
  scripts/chancery unhold 01c8…`,
  async run(args) {
    const { values, positionals } = readOptions('unhold', args, { 'issuer-key': { type: 'string' }, json: { type: 'boolean', default: false } }, true);
    const [serial, ...more] = positionals;
    if (serial === undefined || more.length > 0) throw new Mistake('say which certificate: chancery unhold SERIAL');
    const issuerKey = values['issuer-key'];
    const done = await ask('POST', '/unhold', { serial: serial.toLowerCase().replaceAll(':', ''), ...(issuerKey === undefined ? {} : { issuerKey }) });
    console.log(values.json ? JSON.stringify(done) : `the hold on ${serial} is lifted`);
    return 0;
  },
};
