/**
 * The port of the console room, which runs in a process of its own: what the daemon and that process say to each other.
 * The process knows names, schemas and pictures; it has no key of the vault and no file of a person.
 */
import type { Role } from '../command/port.ts';

/** Something that the house can be asked for: a command, or something that only the console shows. */
export interface Operation {
  /** Imperative, as in `door.open`; the route is `POST api/v1/NAME`. */
  readonly name: string;
  /** What it does, in one line. */
  readonly summary: string;
  readonly role: Role;
  readonly changes: boolean;
  /** It has a route of its own (routes/), because what it takes or gives is not JSON. */
  readonly ownRoute?: boolean;
  /** JSON Schemas (draft 2020-12). */
  readonly args: object;
  readonly result: object;
}

/** Who asks: somebody who is signed in, or a program with somebody's token. */
export interface Asker {
  readonly name: string;
  readonly role: Role;
  readonly by: 'session' | 'token';
  /** Of the session or token; not the secret. */
  readonly id: string;
}

/** What was answered: as in the command room, with the codes of its refusals. */
export type Answered =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly error: { readonly code: string; readonly message: string; readonly reason?: string } };

/** A face in the live view. Shares of the upright picture's width and height, 0…1; a box may reach beyond it. */
export interface LiveFace {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Why it is not compared. */
  readonly quality: readonly string[];
  /** Whether the door decides on this face. */
  readonly dominant: boolean;
}

/** One frame as the door saw it. */
export interface LiveMoment {
  /** Counts the moments that were sent, from 1. */
  readonly n: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** Of the upright picture, pixels; 0 where it was not looked at. */
  readonly width: number;
  readonly height: number;
  readonly faces: readonly LiveFace[];
  readonly finding: 'nobody' | 'person' | 'unknown' | 'ambiguous' | 'low-quality' | 'not-looked';
  /** Who it is, or the best candidate of somebody unknown. Only to whoever may see names: every role may. */
  readonly person?: { readonly id: string; readonly name: string };
  /** Calibrated probability that the two are one person, and the threshold in force. 0…1. */
  readonly likeness?: number;
  readonly threshold?: number;
  /** What this frame says about liveness: a logit above 0 is live. */
  readonly live?: { readonly score?: number; readonly unsure?: string };
}

/** PEM. */
export interface Certificate {
  /** With the chain. */
  readonly certificate: string;
  readonly key: string;
}

/** How the process is to serve. */
export interface ConsoleSettings {
  readonly door: string;
  readonly address: string;
  readonly port: number;
  /** Whether TLS is used; `proxied`: without it, and only the addresses of `ingress` are answered. */
  readonly tls: 'on' | 'loopback' | 'proxied';
  readonly hosts: readonly string[];
  readonly ingress: readonly string[];
  /** With TLS. */
  readonly certificate?: Certificate;
  readonly sessionHours: number;
  readonly idleHours: number;
  /** The only folder in which the process may write. */
  readonly folder: string;
  /** Largest picture that may be uploaded, bytes. */
  readonly maxPictureBytes: number;
  /** Whether browsers may be the camera of this door. */
  readonly browserCamera: boolean;
  /** Shown in the page. */
  readonly version: string;
}

/** From the daemon to the process. */
export type ToConsole =
  | { readonly kind: 'start'; readonly settings: ConsoleSettings; readonly operations: readonly Operation[] }
  /** With the handle of the listening socket. */
  | { readonly kind: 'listen' }
  /** With the handle of a connection that came before the process listened. */
  | { readonly kind: 'connection' }
  | { readonly kind: 'answer'; readonly id: number; readonly answered: Answered }
  /** In place of the one of the start, for connections from now on. */
  | { readonly kind: 'certificate'; readonly certificate: Certificate }
  | { readonly kind: 'moment'; readonly moment: LiveMoment; readonly picture: Uint8Array }
  /** Something happened; for whoever watches. */
  | { readonly kind: 'told'; readonly topic: 'event' | 'state' | 'enrolment' | 'training'; readonly data: object };

/** From the process to the daemon. `event`: an event of the journal, checked by the daemon. */
export type FromConsole =
  | { readonly kind: 'ready' }
  | { readonly kind: 'listening' }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'ask'; readonly id: number; readonly name: string; readonly args: unknown; readonly caller: Asker }
  /** How many listen to the live stream, and how many of them look at its pictures. */
  | { readonly kind: 'watching'; readonly listeners: number; readonly viewers: number }
  /** The moment arrived: the next may be sent. */
  | { readonly kind: 'took' }
  | { readonly kind: 'record'; readonly event: object }
  | { readonly kind: 'frame'; readonly picture: Uint8Array }
  /** Nobody was there for a while; with the handle of the listening socket, which the daemon takes back. */
  | { readonly kind: 'idle' };
