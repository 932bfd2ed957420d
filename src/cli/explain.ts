/** `chancery explain`: the policy decision of a request, all reasons at once, without making anything. */
import { ask } from './admin-socket.ts';
import { type Command, Mistake } from './command.ts';
import { readOptions } from './options.ts';

export const explain: Command = {
  name: 'explain',
  help: `usage: chancery explain [--directory NAME] [--profile NAME] [--json] NAME...

Says whether an order for these names would be allowed in an ACME directory, and every reason why not. Exit code 1 when it would not.

  scripts/chancery explain demo.localhost
  scripts/chancery explain --directory default --profile client --json printer.lan 192.168.1.5`,
  async run(args) {
    const { values, positionals: names } = readOptions('explain', args, {
      directory: { type: 'string', default: 'default' }, profile: { type: 'string' }, json: { type: 'boolean', default: false },
    }, true);
    if (names.length === 0) throw new Mistake('say for which names: chancery explain demo.localhost');
    const { json, ...question } = values;
    const decision = (await ask('POST', '/explain', { ...question, names })) as Decision;
    if (json) console.log(JSON.stringify(decision, null, 2));
    else if (decision.allowed) console.log(`allowed: profile ${decision.profile} in directory ${decision.directory}`);
    else console.log(['refused:', ...decision.reasons.map(({ detail, remedy }) => `  ${detail}${remedy === undefined ? '' : `\n    to allow it: ${remedy}`}`)].join('\n'));
    return decision.allowed ? 0 : 1;
  },
};

interface Decision {
  readonly allowed: boolean;
  readonly directory: string;
  readonly profile: string;
  readonly reasons: readonly { readonly kind: string; readonly detail: string; readonly remedy?: string }[];
}
