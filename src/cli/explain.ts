/** `chancery explain`: the policy decision of a request, all reasons at once, without making anything. */
import { ask } from './admin-socket.ts';
import { type Command, EXIT_MISTAKE, Mistake } from './command.ts';

export const explain: Command = {
  name: 'explain',
  help: `usage: chancery explain --directory NAME [--profile NAME] NAME... [--json]

Says whether an order for these names would be allowed in an ACME directory, and every reason why not. Exit code 1 when it would not.

  chancery explain demo.localhost
  chancery explain --directory default --profile client --json printer.lan 192.168.1.5`,
  async run(args) {
    const names: string[] = [];
    const options: Record<string, string> = {};
    let json = false;
    for (let index = 0; index < args.length; index += 1) {
      const arg = args[index] as string;
      if (arg === '--json') json = true;
      else if (arg === '--directory' || arg === '--profile') options[arg.slice(2)] = args[(index += 1)] ?? '';
      else if (arg.startsWith('-')) throw new Mistake(`there is no option ${arg}: chancery explain --help lists them`);
      else names.push(arg);
    }
    if (names.length === 0) throw new Mistake('say for which names: chancery explain demo.localhost');
    const decision = (await ask('POST', '/explain', { directory: 'default', ...options, names })) as Decision;
    if (json) console.log(JSON.stringify(decision, null, 2));
    else if (decision.allowed) console.log(`allowed: profile ${decision.profile} in directory ${decision.directory}`);
    else console.log(['refused:', ...decision.reasons.map(({ detail, remedy }) => `  ${detail}${remedy === undefined ? '' : `\n    to allow it: ${remedy}`}`)].join('\n'));
    return decision.allowed ? 0 : EXIT_MISTAKE - 1;
  },
};

interface Decision {
  readonly allowed: boolean;
  readonly directory: string;
  readonly profile: string;
  readonly reasons: readonly { readonly kind: string; readonly detail: string; readonly remedy?: string }[];
}
