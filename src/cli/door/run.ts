/**
 * `facelatch run`: guards the door until stopped. In a terminal it shows readable lines and a status line, elsewhere
 * JSON lines.
 * It opens the house and ends it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pid } from 'node:process';
import { Command } from 'commander';
import { demoPeopleFolder } from '../../adapters/basics.ts';
import { demoPeople } from '../../adapters/camera.ts';
import { serviceManagerOf } from '../../adapters/host.ts';
import { Fault } from '../../base/errors.ts';
import { type KeptLines, keptLines, type Log, openLog } from '../../base/log.ts';
import { systemClock } from '../../base/time.ts';
import type { ServiceManager } from '../../host/systemd.ts';
import { rosterOf } from '../../identity/roster.ts';
import { followJournal } from '../../journal/follow.ts';
import type { Entry } from '../../journal/port.ts';
import type { Config } from '../../settings/load.ts';
import { type House, wire } from '../../wire.ts';
import { type CommonOptions, configOf, exitCodes, tell, withCommon, withHelp } from '../context.ts';
import { examineApart } from '../doctor/apart.ts';
import { likenessHelp } from '../likeness-words.ts';
import { surroundings } from '../surroundings.ts';
import { logWords } from './log-words.ts';
import { openTerminal, type Terminal } from './terminal.ts';
import { openVisits } from './visits.ts';

interface RunOptions extends CommonOptions {
  readonly visits?: string;
  readonly speed?: string;
}

export function runCommand(stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('run')
    .description('guard the door: camera, faces, decision, relay, MQTT')
    .option('--visits <n>', 'demo only: end after n visits, played as fast as possible, with a table of who came and what the door did')
    .option('--speed <factor>', 'replay only: 1 is real time, 0 as fast as the door can read (camera.replay.speed)');
  withHelp(
    command,
    ['facelatch run --config config/demo.json --visits 20', 'facelatch run --set camera.device=/dev/video0 --state /var/lib/facelatch'],
    'stopped by Ctrl-C or SIGTERM, or the replay has ended (started with npx, Ctrl-C gives 130: that is the answer of npx)',
    '(--visits) somebody was let in who should not have been',
  );
  command.addHelpText('after', likenessHelp);
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

/**
 * `asked`: JSON was asked for. Where standard output is not a terminal it is written all the same. A house that was
 * locked and is unlocked is opened again, in the same process: its key is in no other.
 */
async function run(config: Config, stop: AbortSignal, asked: boolean): Promise<number> {
  const json = asked || !surroundings().stdout.isTTY;
  let terminal: Terminal | undefined;
  const kept = keptLines();
  const log = openLog(config.log.level, json ? undefined : { write: (line) => logged(line, terminal) }, kept);
  using serviceManager = await serviceManagerOf(config, process.env, pid, log);
  for (;;) {
    const guarded = await guard({ config, stop, asked, json, log, kept, serviceManager, onTerminal: (opened) => (terminal = opened) });
    if (guarded !== 'unlocked') return guarded;
  }
}

interface Guarding {
  readonly config: Config;
  readonly stop: AbortSignal;
  readonly asked: boolean;
  readonly json: boolean;
  readonly log: Log;
  readonly kept: KeptLines;
  readonly serviceManager: ServiceManager | undefined;
  /** Where the log is shown from now on. */
  readonly onTerminal: (terminal: Terminal | undefined) => void;
}

/** One house, from its start to its end: the exit code, or `unlocked` where it is to be opened again. */
async function guard({ config, stop, asked, json, log, kept, serviceManager, onTerminal }: Guarding): Promise<number | 'unlocked'> {
  const names = new Map<string, string>();
  let terminal: Terminal | undefined;
  const visits = openVisits(config.camera.replay.enrolled, (id) => names.get(id) ?? id);
  /** Entries of this process, which have been shown. */
  const own = new Set<number>();
  await using house = await wire(config, log, {
    onEvent: (event, entry) => {
      if (entry && !json) own.add(entry.seq);
      visits.event(event);
      if (terminal) terminal.event(event);
      else if (json) log.info({ seq: entry?.seq, ...event }, event.kind);
    },
    onMoment: (moment) => {
      visits.moment(moment);
      terminal?.moment();
    },
    serviceManager,
    logLines: () => kept.lines,
    examine: (signal) => examineApart(config, signal),
  });
  const demo = isDemo(config);
  if (demo && !house.lock) await enrolDemoPeople(house, config.camera.replay.enrolled);
  if (!json) terminal = openTerminal(house, demo);
  onTerminal(terminal);
  for (const { id, name } of house.gallery.list()) names.set(id, name);
  const ended = new AbortController();
  const shown = terminal && showOthers(house, own, terminal, { log, signal: AbortSignal.any([stop, ended.signal]) });
  try {
    if ((await house.run(stop)) === 'unlocked') return 'unlocked';
  } finally {
    ended.abort();
    await shown;
    terminal?.close();
    onTerminal(undefined);
  }
  if (!demo || config.camera.replay.visits === 0) return exitCodes.yes;
  const result = visits.result();
  if (json) surroundings().stdout.write(`${JSON.stringify(result)}\n`);
  // Who reads a pipe by eye (a build log) gets the table too, without disturbing the JSON lines.
  if (!asked) (json ? surroundings().stderr : surroundings().stdout).write(`${visits.table()}\n`);
  return result.wronglyOpened > 0 ? exitCodes.no : exitCodes.yes;
}

/** Before the terminal is open, warnings go to standard error. */
function logged(line: string, terminal: Terminal | undefined): void {
  const text = terminal ? undefined : logWords(line);
  if (terminal) terminal.log(line);
  else if (text !== undefined) tell(`facelatch: ${text}`);
}

/** How long it takes at most until the door knows people whom another process has enrolled. Milliseconds. */
const knownMs = 1500;

/** Shows what other processes and rooms write into the journal: people enrolled or removed elsewhere, trainings. */
async function showOthers(
  { journal, gallery }: House,
  own: Set<number>,
  terminal: Terminal,
  { log, signal }: { readonly log: Log; readonly signal: AbortSignal },
): Promise<void> {
  const onEntry = ({ seq, event }: Entry) => {
    if (own.delete(seq)) return;
    const isNew = 'personId' in event && event.personId !== undefined && gallery.find(event.personId) === undefined;
    if (isNew && event.kind !== 'person.removed') setTimeout(() => signal.aborted || terminal.event(event), knownMs).unref();
    else terminal.event(event);
  };
  await followJournal({ journal, after: journal.head, clock: systemClock, log, signal, onEntry });
}

/**
 * The demo's people come from pictures that ship with facelatch. Whom the configuration calls a stranger is removed
 * again.
 */
async function enrolDemoPeople({ gallery, reader, journal, roster }: House, names: readonly string[]): Promise<void> {
  // They ship with facelatch: nobody asks for their consent.
  const { enrol } = rosterOf({ gallery, journal });
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
    enrol({ name, pictures: [{ picture, template: face.embedding, source: `${name}-neutral.jpg` }] });
  }
  for (const name of demoPeople) {
    const person = names.includes(name) ? undefined : gallery.find(name);
    if (person) roster.remove(person.id);
  }
}
