/**
 * What a person sees while the daemon runs in a terminal: one line for each event and each warning, and a status line
 * that
 * stays at the bottom. `run` opens it once the house is open, and closes it when the house has ended.
 */
import { styleText } from 'node:util';
import { shownLine } from '../../base/path.ts';
import type { Event } from '../../events.ts';
import type { House } from '../../wire.ts';
import { strictness } from '../likeness-words.ts';
import { type OutStream, surroundings } from '../surroundings.ts';
import { counted, oneIn, people } from '../words.ts';
import { describeEvent } from './describe.ts';
import { logWords } from './log-words.ts';

export interface Terminal {
  event(event: Event): void;
  /** A line of the log, as JSON. */
  log(line: string): void;
  /** A frame was looked at. */
  moment(): void;
  close(): void;
}

/** As much of a house as is shown. */
export type ShownHouse = Pick<House, 'config' | 'status' | 'console'> & {
  readonly gallery: Pick<House['gallery'], 'find' | 'list' | 'threshold' | 'templates'>;
};

const statusEveryMs = 500;
const colours = { granted: 'green', denied: 'yellow', failed: 'red' } as const;
const clearLine = '\r\x1b[K';

/** Shows what is guarded, and for the demo how to go on. */
export function openTerminal(
  house: ShownHouse,
  demo: boolean,
  out: Pick<OutStream, 'write' | 'columns'> = surroundings().stdout,
): Terminal {
  let frames = 0;
  let since = performance.now();
  let last = 'none yet';
  let warned: string | undefined;
  /** Who was removed is still known by the name they had. */
  const names = new Map(house.gallery.list().map(({ id, name }) => [id, name]));
  const nameOf = (id: string) => {
    const name = house.gallery.find(id)?.name ?? names.get(id) ?? id;
    names.set(id, name);
    return name;
  };
  const say = (line: string) => out.write(`${clearLine}${line}\n`);
  const sayNow = (line: string) => say(`${styleText('dim', new Date().toLocaleTimeString('en-GB'))} ${line}`);
  const status = () => {
    const now = performance.now();
    const rate = (frames * 1000) / (now - since);
    frames = 0;
    since = now;
    const line = shownLine(statusLine(house, rate, last));
    out.write(`${clearLine}${styleText('dim', cut(line, Math.max(20, (out.columns ?? 100) - 1)))}`);
  };
  for (const line of banner(house, demo)) say(shownLine(line));
  const timer = setInterval(status, statusEveryMs);
  return {
    event: (event) => {
      const text = shownLine(describeEvent(event, { nameOf, threshold: house.gallery.threshold }));
      const colour = colours[event.kind.split('.')[1] as keyof typeof colours];
      sayNow(colour ? styleText(colour, text) : text);
      if (event.kind === 'access.granted' || event.kind === 'access.denied') last = text;
    },
    log: (line) => {
      const words = logWords(line);
      const text = words === undefined ? undefined : shownLine(words);
      // What goes on failing for the same reason is said once; the status line shows that it still fails.
      if (text === undefined || text === warned) return;
      warned = text;
      sayNow(styleText('yellow', text));
    },
    moment: () => {
      frames++;
    },
    close: () => {
      clearInterval(timer);
      out.write(clearLine);
    },
  };
}

function statusLine({ status: { door, camera, broker } }: ShownHouse, rate: number, last: string): string {
  return `door ${door === 'active' ? 'OPEN' : 'locked'} · ${rate.toFixed(0).padStart(2)} frames/s · camera ${camera} · broker ${broker} · last: ${last}`;
}

/** A line that wraps could not be overwritten. */
function cut(line: string, width: number): string {
  return line.length <= width ? line : `${line.slice(0, width - 1)}…`;
}

function banner({ config, gallery, status, console: link }: ShownHouse, demo: boolean): string[] {
  const lines = [
    `facelatch guards "${config.door.id}": ${status.cameraLabel} → ${people(status.people)}, ${counted(gallery.templates, 'template')} → ${status.relay}`,
    ruleText(config, gallery.threshold),
    ...(link === undefined
      ? []
      : ['', `Open the console in a browser${link.includes('#') ? ' (this link works once, within an hour)' : ''}:`, `  ${link}`]),
  ];
  if (!demo) return [...lines, 'Ctrl-C stops it.', ''];
  return [
    ...lines,
    '',
    'Nobody here exists: the enrolled people and the strangers are synthetic. To go on:',
    `  watch the events      mosquitto_sub -p ${config.mqtt.embeddedPort} -v -t '${config.mqtt.prefix}/#'`,
    '  enrol yourself        npx facelatch enrol "Your Name" --camera --set camera.device=/dev/video0 --state my-state',
    '  guard with it         npx facelatch run --set camera.device=/dev/video0 --state my-state',
    '  a real door           README.md, "Install on a door"',
    'Ctrl-C stops it.',
    '',
  ];
}

function ruleText(
  { identity }: House['config'],
  { policy, detection, verification, extrapolated }: ShownHouse['gallery']['threshold'],
): string {
  if (policy === 'paper') return `accepts at detection ${detection}, verification ${verification}`;
  const rule = strictness(oneIn(identity.targetFmr), extrapolated, 'attempts of strangers passes');
  return `threshold: ${rule}`;
}
