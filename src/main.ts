/** The only program: finds the command and runs it. `chancery help` lists them. */
import packageJson from '../package.json' with { type: 'json' };
import { EXIT_MISTAKE, Mistake } from './cli/command.ts';
import { commands } from './cli/commands.ts';
import { didYouMean } from './config/fault.ts';

async function main([first = 'help', ...rest]: readonly string[]): Promise<number> {
  // `help revoke` is `revoke --help`.
  const [name = 'help', ...args] = first === 'help' && rest.length > 0 ? [...rest.slice(0, 1), '--help'] : [first, ...rest];
  if (['help', '--help', '-h'].includes(name)) {
    const list = commands.flatMap(({ name, summary }) => (summary === undefined ? [] : [`  ${name.padEnd(11)}${summary}`]));
    console.log(`usage: chancery COMMAND [OPTIONS]\n\n${list.join('\n')}\n\nchancery COMMAND --help says more, with examples.`);
    return 0;
  }
  if (name === '--version') {
    console.log(`chancery ${packageJson.version}`);
    return 0;
  }
  const entry = commands.find((candidate) => candidate.name === name);
  if (entry === undefined) {
    console.error(`chancery: there is no command "${name}"${didYouMean(name, commands.map((known) => known.name))}: scripts/chancery help lists them`);
    return EXIT_MISTAKE;
  }
  const command = await entry.load();
  if (args.includes('--help') || args.includes('-h')) {
    console.log(command.help);
    return 0;
  }
  try {
    return await command.run(args);
  } catch (error) {
    if (!(error instanceof Mistake)) throw error;
    console.error(`chancery ${name}: ${error.message}`);
    return EXIT_MISTAKE;
  }
}

process.exitCode = await main(process.argv.slice(2));
