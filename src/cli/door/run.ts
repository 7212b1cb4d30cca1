/** `facelatch run`: guards the door until stopped; readable lines and a status line in a terminal, JSON lines elsewhere. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pid } from 'node:process';
import { Command } from 'commander';
import { demoPeopleFolder } from '../../adapters/basics.ts';
import { demoPeople } from '../../adapters/camera.ts';
import { serviceManagerOf } from '../../adapters/host.ts';
import { Fault } from '../../base/errors.ts';
import { openLog } from '../../base/log.ts';
import { rosterOf } from '../../identity/roster.ts';
import type { Config } from '../../settings/load.ts';
import { type House, wire } from '../../wire.ts';
import { type CommonOptions, configOf, exitCodes, withCommon, withHelp } from '../context.ts';
import { openTerminal } from './terminal.ts';
import { openVisits } from './visits.ts';

interface RunOptions extends CommonOptions {
  readonly visits?: string;
  readonly speed?: string;
}

export function runCommand(stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('run')
    .description('guard the door: camera, faces, decision, relay, MQTT')
    .option('--visits <n>', 'demo only: end after n visits, played faster than life, with a table of who came against what the door did')
    .option('--speed <factor>', 'replay only: 1 is life, 0 as fast as the door can read (camera.replay.speed)');
  withHelp(
    command,
    ['facelatch run --config config/demo.json --visits 20', 'facelatch run --set camera.device=/dev/video0 --state /var/lib/facelatch'],
    'stopped by Ctrl-C or SIGTERM, or a replay played to its end',
    '(--visits) someone was let in who should not have been',
  );
  return withCommon(command).action(async (options: RunOptions) => {
    const { config } = configOf(options, {
      'camera.replay.visits': options.visits,
      'camera.replay.speed': options.speed ?? (options.visits === undefined ? undefined : '0'),
    });
    if (options.visits !== undefined && !isDemo(config))
      throw new Fault(
        'bad-argument',
        '--visits counts the visits of the demo: it needs camera.source "replay" and camera.replay.from "demo" (try --config config/demo.json)',
      );
    exit(await run(config, stop, options.json === true));
  });
}

const isDemo = ({ camera }: Config) => camera.source === 'replay' && camera.replay.from === 'demo';

/** `asked`: JSON was asked for; it is written to what is no terminal too. */
async function run(config: Config, stop: AbortSignal, asked: boolean): Promise<number> {
  const json = asked || !process.stdout.isTTY;
  const names = new Map<string, string>();
  const log = openLog(json ? config.log.level : 'silent');
  const visits = openVisits(config.camera.replay.enrolled, (id) => names.get(id) ?? id);
  let terminal: ReturnType<typeof openTerminal> | undefined;
  using serviceManager = await serviceManagerOf(config, process.env, pid, log);
  await using house = await wire(config, log, {
    onEvent: (event, entry) => {
      visits.event(event);
      if (terminal) terminal.event(event);
      else if (json) log.info({ seq: entry?.seq, ...event }, event.kind);
    },
    onMoment: (moment) => {
      visits.moment(moment);
      terminal?.moment(moment);
    },
    serviceManager,
  });
  const demo = isDemo(config);
  if (demo) await enrolDemoPeople(house, config.camera.replay.enrolled);
  if (!json) terminal = openTerminal(house, demo);
  for (const { id, name } of house.gallery.list()) names.set(id, name);
  try {
    await house.run(stop);
  } finally {
    terminal?.close();
  }
  if (!demo || config.camera.replay.visits === 0) return exitCodes.yes;
  const result = visits.result();
  if (json) process.stdout.write(`${JSON.stringify(result)}\n`);
  // Who reads a pipe's other end by eye (a build log, say) gets the table too, without disturbing the JSON lines.
  if (!asked) (json ? process.stderr : process.stdout).write(`${visits.table()}\n`);
  return result.wronglyOpened > 0 ? exitCodes.no : exitCodes.yes;
}

/** The demo's people come from pictures that ship with facelatch; who is a stranger by configuration must not be enrolled from an earlier run. */
async function enrolDemoPeople({ gallery, reader, journal }: House, names: readonly string[]): Promise<void> {
  const roster = rosterOf({ gallery, journal });
  for (const name of names) {
    if (!demoPeople.includes(name))
      throw new Fault(
        'bad-config',
        `camera.replay.enrolled: there is no demo person "${name}" (there are ${demoPeople[0]} to ${demoPeople.at(-1)})`,
      );
    if (gallery.find(name)) continue;
    const picture = readFileSync(join(demoPeopleFolder, `${name}-neutral.jpg`));
    const [face] = (await reader.read(picture)).faces;
    if (!face?.embedding)
      throw new Fault(
        'model-unfit',
        `The networks in use find no good face in the demo picture of ${name}: choose others (face.detector, face.embedder)`,
      );
    roster.enrol({ name, pictures: [{ picture, template: face.embedding, source: `${name}-neutral.jpg` }] });
  }
  for (const name of demoPeople) {
    const person = names.includes(name) ? undefined : gallery.find(name);
    if (person) roster.remove(person.id);
  }
}
