/**
 * Draws docs/img/home-assistant.svg (`npm run picture`): the entities of a door in Home Assistant, read from the discovery message that the door publishes
 * with contact and tamper switch wired. It is a drawing, not a screenshot: Home Assistant's own page follows its theme.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { discoveryOf } from '../../src/adapters/mqtt.ts';
import { loadConfig } from '../../src/settings/load.ts';

interface Entity {
  readonly platform: string;
  readonly name?: string | null;
  readonly device_class?: string;
  readonly unit_of_measurement?: string;
}

/** What an entity of this kind shows, for a door at rest. */
const states: Readonly<Record<string, string>> = {
  lock: 'Locked',
  event: '2 minutes ago',
  'binary_sensor door': 'Closed',
  'binary_sensor tamper': 'Clear',
  'binary_sensor problem': 'OK',
  switch: 'On',
  update: 'Up to date',
};

const { config } = loadConfig({
  files: [],
  env: {},
  flags: new Map<string, unknown>([
    ['mqtt.enabled', true],
    ['mqtt.homeAssistant.enabled', true],
    ['inputs.kind', 'gpiod'],
    ['inputs.chip', 'pinctrl-bcm2711'],
    ['inputs.contact', 'GPIO22'],
    ['inputs.tamper', 'GPIO23'],
  ]),
});
const { components, device } = JSON.parse(discoveryOf(config).payload) as {
  readonly components: Readonly<Record<string, Entity>>;
  readonly device: { readonly name: string };
};
// A component with nothing but its platform is one that Home Assistant takes away.
const shown = Object.values(components).filter((entity) => Object.keys(entity).length > 1);
const [width, row, top] = [420, 38, 58];
const line = ({ platform, name, device_class: kind, unit_of_measurement: unit }: Entity, at: number) => {
  const state = states[`${platform} ${kind}`] ?? states[platform] ?? (unit ? `– ${unit}` : '–');
  const y = top + at * row;
  return `<circle cx="32" cy="${y + 14}" r="11" fill="#03a9f4" opacity="0.85"/>
<text x="56" y="${y + 19}">${name ?? device.name}</text>
<text x="${width - 20}" y="${y + 19}" text-anchor="end" fill="#5f6368">${state}</text>`;
};
const height = top + shown.length * row + 14;
writeFileSync(
  join(import.meta.dirname, '../img/home-assistant.svg'),
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="15" fill="#202124">
<title>The entities of a door in Home Assistant</title>
<rect x="1" y="1" width="${width - 2}" height="${height - 2}" rx="12" fill="#fff" stroke="#dadce0"/>
<text x="20" y="36" font-size="19" font-weight="600">${device.name}</text>
${shown.map(line).join('\n')}
</svg>
`,
);
