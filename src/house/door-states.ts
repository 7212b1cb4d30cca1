/** How the door stands, as its retained states say it: the parts of the house go in, what each state is now comes out. */
import type { Entrance } from '../access/entrance.ts';
import type { Event } from '../events.ts';
import type { FaceReader } from '../face/port.ts';
import type { Gallery } from '../identity/port.ts';
import { networks, newestVersion } from '../learning/networks.ts';
import type { Publication } from '../mqtt/client.ts';
import type { InputName, Relay } from '../relay/port.ts';
import type { Config } from '../settings/load.ts';
import type { Loops } from './loops.ts';

/** What somebody should go and look at. */
const alarms: ReadonlySet<Event['kind']> = new Set(['door.held-open', 'door.forced-open', 'tamper.raised', 'relay.failed']);

export interface Counts {
  readonly grants: number;
  readonly denials: number;
  readonly alarms: number;
}

/** What happened since the start, in figures. */
export function tally(): { readonly counts: Counts; event(event: Event): void } {
  const counts = { grants: 0, denials: 0, alarms: 0 };
  return {
    counts,
    event: ({ kind }) => {
      if (kind === 'access.granted') counts.grants++;
      if (kind === 'access.denied') counts.denials++;
      if (alarms.has(kind)) counts.alarms++;
    },
  };
}

export interface DoorStatesParts {
  readonly config: Config;
  readonly relay: Relay;
  readonly entrance: Entrance;
  readonly loops: Loops;
  readonly reader: FaceReader;
  readonly gallery: Gallery;
  readonly people: () => number;
  readonly counts: Counts;
}

export function doorStates(parts: DoorStatesParts): (publication: Pick<Publication, 'show'>) => void {
  const { config, relay, entrance, loops, reader, gallery, people, counts } = parts;
  const wired = (name: InputName) => config.inputs.kind !== 'none' && config.inputs[name] !== '';
  const installed = networks(config);
  const modelNow = () => {
    const { name, version } = reader.embedder;
    return { name, version, latest: newestVersion(reader.embedder, installed) };
  };
  return ({ show }) => {
    const { premises } = entrance.controller;
    show('door', !relay.held ? 'unknown' : relay.level === 'active' ? 'released' : 'locked');
    show('camera', loops.status.camera === 'failed' ? 'failed' : 'working');
    show('mode', premises.armed ? 'armed' : 'disarmed');
    if (wired('contact')) show('contact', !entrance.inputsKnown || !premises.door ? 'unknown' : premises.door.open ? 'open' : 'closed');
    if (wired('tamper')) show('tamper', !entrance.inputsKnown ? 'unknown' : premises.tamperSinceMs === undefined ? 'clear' : 'raised');
    show('counts', { people: people(), templates: gallery.templates, ...counts });
    show('model', modelNow());
  };
}
