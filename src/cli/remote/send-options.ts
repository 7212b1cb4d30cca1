/** The options of `facelatch send`, and how its parts ask the door. Types only. */
import type { ReplyBody } from '../../command/reply.ts';
import type { CommonOptions } from '../context.ts';

export interface SendOptions extends CommonOptions {
  readonly key: string;
  readonly card?: string;
  readonly broker?: string;
  readonly args?: string;
  readonly timeout: number;
  readonly out?: string;
  readonly consent?: string;
}

/** Sends one command; the answer is the door's own, checked by its signature. */
export type Ask = (command: string, args: object) => Promise<ReplyBody>;
