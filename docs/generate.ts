/**
 * Writes the generated pages of the documents (`npm run reference`): the command line, settings, events, MQTT commands, faults and the console's API, each made
 * from the code that they describe. test/docs.test.ts holds the files to what is made here.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configReadme, reference } from '../src/settings/reference.ts';
import { commandLine } from './generate/command-line.ts';
import { events } from './generate/events.ts';
import { mqttCommands } from './generate/mqtt-commands.ts';
import { openApi } from './generate/openapi.ts';
import { troubleshooting } from './generate/troubleshooting.ts';

/** Every generated page: its path from docs/ and what makes it. */
export const pages: Readonly<Record<string, () => string>> = {
  '../config/README.md': configReadme,
  'reference/settings.md': reference,
  'reference/cli.md': commandLine,
  'reference/events.md': events,
  'reference/mqtt-commands.md': mqttCommands,
  'operate/troubleshooting.md': troubleshooting,
};

if (import.meta.main) {
  for (const [path, make] of Object.entries(pages)) writeFileSync(join(import.meta.dirname, path), make());
  writeFileSync(join(import.meta.dirname, 'openapi.json'), JSON.stringify(await openApi(), null, 1));
}
