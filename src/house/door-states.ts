/**
 * How the door stands, as its retained states say it: the parts of the house go in, what each state is now comes out.
 */
import type { Entrance } from '../access/entrance.ts';
import { newestVersion } from '../learning/networks.ts';
import type { Publication } from '../mqtt/client.ts';
import type { InputName } from '../relay/port.ts';
import type { Loops } from './loops.ts';
import type { Rooms } from './rooms.ts';

export function doorStates(rooms: Rooms, entrance: Entrance, loops: Loops): (publication: Pick<Publication, 'show'>) => void {
  const { config, relay, eyes, counts, learning } = rooms;
  const { reader, gallery } = eyes;
  const wired = (name: InputName) => config.inputs.kind !== 'none' && config.inputs[name] !== '';
  const latest = newestVersion(reader.embedder, config);
  const modelNow = () => {
    const { name, version } = reader.embedder;
    const { next, people: waiting } = learning?.waiting ?? {};
    return {
      ...{ name, version, latest },
      ...(next && { next: `${next.name} ${next.version}` }),
      ...(waiting !== undefined && { waiting }),
    };
  };
  return ({ show }) => {
    const { premises, faceStopped, prompt, spoofSeen } = entrance.controller;
    show('door', !relay.held ? 'unknown' : relay.level === 'active' ? 'released' : 'locked');
    show('camera', loops.status.camera === 'failed' ? 'failed' : 'working');
    show('face', faceStopped ? 'stopped' : 'working');
    show('vault', rooms.lock ? 'locked' : 'open');
    show('mode', premises.armed ? 'armed' : 'disarmed');
    show('visitor', prompt);
    show('spoof', spoofSeen ? 'seen' : 'clear');
    if (wired('contact')) show('contact', !entrance.inputsKnown || !premises.door ? 'unknown' : premises.door.open ? 'open' : 'closed');
    if (wired('tamper')) show('tamper', !entrance.inputsKnown ? 'unknown' : premises.tamperSinceMs === undefined ? 'clear' : 'raised');
    show('counts', { people: rooms.people, templates: gallery.templates, ...counts });
    show('model', modelNow());
  };
}
