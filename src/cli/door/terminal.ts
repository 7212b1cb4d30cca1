/** What a person sees while the daemon runs in a terminal: one line per event, and a status line that stays at the bottom. */
import { styleText } from 'node:util';
import type { Observation } from '../../access/port.ts';
import type { Event } from '../../events.ts';
import type { House } from '../../wire.ts';
import { describeEvent } from './describe.ts';

export interface Terminal {
  event(event: Event): void;
  moment(moment: Observation): void;
  close(): void;
}

const statusEveryMs = 500;
const colours = { granted: 'green', denied: 'yellow', failed: 'red' } as const;

/** Opens the terminal's view of a house: says what is guarded, and for the demo how to go on. */
export function openTerminal(house: House, demo: boolean, out: NodeJS.WriteStream = process.stdout): Terminal {
  let frames = 0;
  let since = performance.now();
  let rate = 0;
  let last = 'none yet';
  const nameOf = (id: string) => house.gallery.find(id)?.name ?? id;

  const say = (line: string) => out.write(`\r\x1b[K${line}\n`);
  const status = () => {
    const now = performance.now();
    rate = (frames * 1000) / (now - since);
    frames = 0;
    since = now;
    const { door, camera, broker } = house.status;
    const line = `door ${door === 'active' ? 'OPEN' : 'locked'} · ${rate.toFixed(0).padStart(2)} frames/s · camera ${camera} · broker ${broker} · last: ${last}`;
    out.write(`\r\x1b[K${styleText('dim', cut(line, Math.max(20, (out.columns ?? 100) - 1)))}`);
  };
  for (const line of banner(house, demo)) say(line);
  const timer = setInterval(status, statusEveryMs);
  return {
    event: (event) => {
      const text = describeEvent(event, nameOf);
      const colour = colours[event.kind.split('.')[1] as keyof typeof colours];
      say(`${styleText('dim', new Date().toLocaleTimeString('en-GB'))} ${colour ? styleText(colour, text) : text}`);
      if (event.kind === 'access.granted' || event.kind === 'access.denied') last = text;
    },
    moment: () => {
      frames++;
    },
    close: () => {
      clearInterval(timer);
      out.write('\r\x1b[K');
    },
  };
}

/** A line that wraps could not be written over. */
function cut(line: string, width: number): string {
  return line.length <= width ? line : `${line.slice(0, width - 1)}…`;
}

function banner(house: House, demo: boolean): string[] {
  const { config, gallery, status } = house;
  const { threshold } = gallery;
  const rule =
    threshold.policy === 'paper'
      ? `detection ${threshold.detection}, verification ${threshold.verification}`
      : `one wrong accept in ${Math.round(1 / config.identity.targetFmr).toLocaleString('en')} attempts: logit ${threshold.logit.toFixed(2)}${threshold.extrapolated ? ' (beyond the calibration table, from a fitted tail)' : ''}`;
  const lines = [
    `facelatch guards "${config.door.id}": ${status.cameraLabel} → ${status.people} people, ${gallery.templates} templates → ${status.relay}`,
    `accepts at ${rule}`,
  ];
  if (!demo) return [...lines, 'Ctrl-C stops it.', ''];
  return [
    ...lines,
    '',
    'Nobody here exists: the enrolled and the strangers are synthetic. To go on:',
    `  watch the events      mosquitto_sub -p ${config.mqtt.embeddedPort} -v -t '${config.mqtt.prefix}/#'`,
    '  enrol yourself        npx facelatch enrol "Your Name" --camera --set camera.device=/dev/video0 --state my-state',
    '  guard with it         npx facelatch run --set camera.device=/dev/video0 --state my-state',
    '  a real door           README.md, «From the demo to a door»',
    'Ctrl-C stops it.',
    '',
  ];
}
