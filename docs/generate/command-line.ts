/** The reference of the command line: the help of every command, as the program prints it. */
import type { Command } from 'commander';
import { allCommands } from '../../src/cli/commands.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { generated } from './generated.ts';

const all = await allCommands();

export function commandLine(): string {
  // Defaults that lie in the user's folder are shown as such.
  const home = process.env.HOME;
  process.env.HOME = '~';
  try {
    const program = buildProgram({ stop: new AbortController().signal, json: false, exit: () => undefined }, all);
    const commands = program.commands.filter((command) => command.name() !== 'help');
    const rows = commands.map(
      (command) =>
        `| [\`${command.name()}\`](#facelatch-${command.name()}) | ${command.summary() || command.description().split('. ')[0]} |`,
    );
    return `${generated('src/cli')}# Command line

\`facelatch COMMAND --help\` prints what stands here. In a clone, write \`npx facelatch\`.

| command | what it does |
| --- | --- |
${rows.join('\n')}

${commands.map((command) => section(command, 'facelatch', 2)).join('\n')}`;
  } finally {
    process.env.HOME = home;
  }
}

function section(command: Command, parent: string, level: number): string {
  const name = `${parent} ${command.name()}`;
  const inner = command.commands.filter((each) => each.name() !== 'help').map((each) => section(each, name, level + 1));
  return `${'#'.repeat(level)} ${name}\n\n\`\`\`text\n${helpOf(command)}\n\`\`\`\n${inner.map((text) => `\n${text}`).join('')}`;
}

/** With the examples and exit codes that are added after it. */
function helpOf(command: Command): string {
  let text = '';
  command.configureHelp({ helpWidth: 110 }).configureOutput({
    writeOut: (part) => {
      text += part;
    },
  });
  command.outputHelp();
  return text.trimEnd();
}
