/** The page operate/troubleshooting.md: what each fault means, made from the guide beside the closed list of faults. */
import type { FaultCode } from '../../src/base/errors.ts';
import { type FaultArea, faultGuide } from '../../src/base/fault-guide.ts';
import { cell, generated } from './generated.ts';

const areas: Readonly<Record<FaultArea, string>> = {
  start: 'Commands, configuration and disk',
  camera: 'Camera and pictures',
  networks: 'Networks',
  'people and journal': 'People, journal and state folder',
  relay: 'Relay',
  broker: 'Broker',
  training: 'Training and farm',
};

/** The page as Markdown. */
export function troubleshooting(): string {
  const entries = Object.entries(faultGuide) as [FaultCode, (typeof faultGuide)[FaultCode]][];
  const sections = (Object.entries(areas) as [FaultArea, string][]).map(([area, title]) => {
    const rows = entries
      .filter(([, advice]) => advice.area === area)
      .map(([code, { says, cause, remedy }]) => {
        const words = says.map((each) => `"${each}"`).join(', ');
        return `| \`${code}\` | ${cell(words)} | ${cell(cause)} | ${cell(remedy)} |`;
      });
    return [`## ${title}`, '', '| code | words in the message | cause | remedy |', '| --- | --- | --- | --- |', ...rows].join('\n');
  });
  return `${head}\n${sections.join('\n\n')}\n`;
}

const head = `${generated('src/base/fault-guide.ts')}# Troubleshooting

You have a message, and this page leads you to its cause and its remedy. You need a shell on the machine of the door.

Begin with these three commands:

\`\`\`sh
sudo -u facelatch facelatch doctor --no-camera     # without --no-camera when the daemon is stopped
systemctl status facelatch
journalctl -u facelatch -n 50
\`\`\`

A command prints \`facelatch: MESSAGE\` and ends with exit code 2 (wrong command, input or configuration) or 3 (something
outside failed). With \`--json\` it prints the code as well: \`{"error":{"code":"camera-missing","message":"…"}}\`. The log
and the event \`camera.failed\` hold the same codes. Every message names its remedy; the tables add what lies behind it. A
message that begins with "this is a bug" is one: please report it.

Somebody was not let in? That is a denial and not a fault: see
[the reasons](../use/journal.md#why-the-door-stayed-shut).
`;
