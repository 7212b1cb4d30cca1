/** What `facelatch send` is told, and how its parts ask the door. Types only. */
import type { ReplyBody } from '../../command/reply.ts';
import type { CommonOptions } from '../context.ts';

export interface SendOptions extends CommonOptions {
  readonly key: string;
  readonly card?: string;
  readonly broker?: string;
  readonly args?: string;
  readonly timeout: number;
}

/** Sends one command and gives the door's own, proved answer. */
export type Ask = (command: string, args: object) => Promise<ReplyBody>;
