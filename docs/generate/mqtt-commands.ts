/** The reference of the commands over MQTT, made from the registry that the door takes them from. */
import { commands } from '../../src/command/registry.ts';
import { cell, generated } from './generated.ts';
import { schemaTable } from './schema-table.ts';

export function mqttCommands(): string {
  const rows = commands.map(({ name, role, summary }) => `| [\`${name}\`](#${name.replaceAll('.', '')}) | ${role} | ${cell(summary)} |`);
  const sections = commands.map(
    ({ name, summary, args, result }) =>
      `## ${name}\n\n${summary}\n\n${schemaTable(args, 'It takes nothing.')}\n\nThe answer:\n\n${schemaTable(result, 'It holds nothing but `ok`.')}\n`,
  );
  return `${generated('src/command')}# Commands over MQTT

A command goes to \`facelatch/<door>/cmd/<name>\`, with the dots of its name as levels, and is answered on the response topic.
[Signed commands](../operate/signed-commands.md) says how an operator signs one. Every command, also one that only reads, needs a signature unless \`mqtt.allowUnsigned\` names it.

| command | least role | what it does |
| --- | --- | --- |
${rows.join('\n')}

${sections.join('\n')}`;
}
