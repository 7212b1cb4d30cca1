/** How the door stands, for the console: the parts of the house go in, its state for people comes out. */
import type { Entrance } from '../../access/entrance.ts';
import { version } from '../../base/version.ts';
import type { Loops } from '../loops.ts';
import type { Rooms } from '../rooms.ts';

export interface DoorNow {
  readonly lock: 'locked' | 'released' | 'unknown';
  readonly armed: boolean;
  /** Until when the lock is held released. ISO 8601, UTC. */
  readonly contact: 'open' | 'closed' | 'unknown' | 'none';
  readonly camera: 'opening' | 'running' | 'failed';
  readonly cameraLabel: string;
  /** Whether a browser is the camera of this door. */
  readonly ownCamera: boolean;
  /** Whether faces open the door; too many failed attempts stop it. */
  readonly faceStopped: boolean;
  readonly lockedOut: boolean;
  readonly tampered: boolean;
  /** Why the vault is locked. */
  readonly vaultLocked?: string;
  readonly galleryDown?: string;
  /** What the visitor is asked to do now. */
  readonly prompt: object | string;
  readonly people: number;
  readonly broker: string;
  readonly relay: string;
  readonly version: string;
}

export function doorNow(
  rooms: Rooms,
  { controller, inputsKnown }: Pick<Entrance, 'controller' | 'inputsKnown'>,
  loops: Pick<Loops, 'status'>,
): DoorNow {
  const { relay, eyes, lock, camera, config, publishing } = rooms;
  const { premises, faceStopped, lockedOut, prompt } = controller;
  const hasContact = config.inputs.kind !== 'none' && config.inputs.contact !== '';
  return {
    lock: !relay.held ? 'unknown' : relay.level === 'active' ? 'released' : 'locked',
    armed: premises.armed,
    contact: !hasContact ? 'none' : !inputsKnown || !premises.door ? 'unknown' : premises.door.open ? 'open' : 'closed',
    ...{
      camera: loops.status.camera,
      cameraLabel: camera.label,
      ownCamera: rooms.ownCamera !== undefined,
      faceStopped,
      lockedOut,
      prompt,
      people: rooms.people,
    },
    tampered: premises.tamperSinceMs !== undefined,
    ...(lock && { vaultLocked: lock.message }),
    ...(eyes.gallery.down !== undefined && { galleryDown: eyes.gallery.down }),
    ...{ broker: publishing?.summary ?? 'off', relay: relay.label, version },
  };
}
