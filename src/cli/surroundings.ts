/**
 * What a command finds around it: standard streams and environment. Those of the process, unless another program (a
 * test) runs the command and gives it its own.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

/** As much of standard input as commands read from. */
export type InStream = NodeJS.ReadableStream & { readonly isTTY?: boolean; setRawMode?(raw: boolean): unknown };

/** As much of a standard stream as commands write to. */
export type OutStream = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

export interface Surroundings {
  readonly stdin: InStream;
  readonly stdout: OutStream;
  readonly stderr: OutStream;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const given = new AsyncLocalStorage<Surroundings>();

export const surroundings = (): Surroundings => given.getStore() ?? process;

/** Every command that `work` runs finds these around it. */
export const withSurroundings = <T>(own: Surroundings, work: () => T): T => given.run(own, work);
