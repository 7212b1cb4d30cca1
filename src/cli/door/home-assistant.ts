/** `facelatch home-assistant`: shows what Home Assistant is told about this door, and removes the door from it. */
import { Command } from 'commander';
import { announcedFile, discoveryOf } from '../../adapters/mqtt.ts';
import { brokerOf } from '../../adapters/relay-line.ts';
import { announcedIn, rememberAnnounced } from '../../mqtt/announcement.ts';
import { labelOf, openConnection, publishAcked } from '../../mqtt/connection.ts';
import { publishFault } from '../../mqtt/faults.ts';
import type { Config } from '../../settings/load.ts';
import { type CommonOptions, configOf, exitCodes, print, withCommon, withHelp } from '../context.ts';
import { table } from '../words.ts';

type Exit = (code: number) => void;

export function homeAssistantCommand(stop: AbortSignal, exit: Exit): Command {
  const command = new Command('home-assistant')
    .summary('show what Home Assistant is told about this door; remove it there')
    .description(
      'Show what Home Assistant is told about this door (mqtt.homeAssistant), or remove the door from it (docs/use/home-assistant.md).',
    );
  withHelp(command, ['facelatch home-assistant show', 'facelatch home-assistant remove --config my-door.json'], 'done');
  return command.addCommand(showCommand(exit)).addCommand(removeCommand(stop, exit));
}

interface Discovery {
  readonly components: Readonly<Record<string, { readonly platform: string; readonly name?: string | null }>>;
}

function showCommand(exit: Exit): Command {
  const command = new Command('show').description('the device and its entities as Home Assistant gets them (--json: topic and message)');
  withHelp(command, ['facelatch home-assistant show', 'facelatch home-assistant show --json'], 'shown');
  return withCommon(command).action((options: CommonOptions) => {
    const { config } = configOf(options);
    const { topic, payload } = discoveryOf(config);
    const { enabled } = config.mqtt.homeAssistant;
    const message = JSON.parse(payload) as Discovery;
    print(options, { enabled, topic, message }, () => {
      const rows = Object.entries(message.components).map(([id, { platform, name }]) => [
        id,
        platform,
        name === undefined ? 'not shown' : (name ?? config.door.id),
      ]);
      const state = enabled ? 'told to Home Assistant' : 'not told: mqtt.homeAssistant.enabled is false';
      return `${topic} (${state})\n${table([['entity', 'kind', 'name'], ...rows], '  ')}`;
    });
    exit(exitCodes.yes);
  });
}

function removeCommand(stop: AbortSignal, exit: Exit): Command {
  const command = new Command('remove').description(
    'remove the door from Home Assistant now, before its daemon is uninstalled or its broker changes. A daemon with mqtt.homeAssistant.enabled false does so itself',
  );
  withHelp(command, ['facelatch home-assistant remove --config my-door.json'], 'removed');
  return withCommon(command).action(async (options: CommonOptions) => {
    const { config } = configOf(options);
    const topics = await remove(config, stop);
    print(options, { removed: topics }, () => {
      const again = config.mqtt.homeAssistant.enabled
        ? '. A daemon with mqtt.homeAssistant.enabled true announces it again when it or Home Assistant starts'
        : '';
      return `${topics.join(', ')} removed${again}`;
    });
    exit(exitCodes.yes);
  });
}

/** Clears every topic it was announced under, and the one it would be announced under. */
async function remove(config: Config, signal: AbortSignal): Promise<readonly string[]> {
  const file = announcedFile(config);
  const noted = announcedIn(file);
  const topics = [...new Set([...noted, discoveryOf(config).topic])];
  const broker = brokerOf(config);
  const { client } = await openConnection({ broker, clientId: `facelatch-remove-${process.pid}`, signal });
  try {
    for (const topic of topics) {
      await publishAcked(client, topic, '', true).catch((error) => {
        throw publishFault(error, labelOf(broker.url), topic);
      });
    }
  } finally {
    client.end(true);
  }
  if (noted.length > 0) rememberAnnounced(file, []);
  return topics;
}
