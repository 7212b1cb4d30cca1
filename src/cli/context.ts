/** What every command shares: options for the configuration, how results and faults are shown, and exit codes. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { Fault, shellMessageOf } from '../base/errors.ts';
import { shownText } from '../base/path.ts';
import { type Config, type LoadedConfig, loadConfig } from '../settings/load.ts';
import { surroundings } from './surroundings.ts';

/**
 * Exit codes of every command.
 * - 0 done, and the answer is yes
 * - 1 the answer is no (not verified, damage found, a check failed)
 * - 2 the command, its input or the configuration is wrong
 * - 3 something outside failed (camera, disk, network, model)
 * - 130 stopped by Ctrl-C (128 + SIGINT, as in shells)
 */
export const exitCodes = { yes: 0, no: 1, usage: 2, fault: 3, stopped: 130 } as const;

/** Exit codes 2, 3 and 130 mean the same for every command. */
const otherCodes = '2 wrong command, input or configuration · 3 something outside failed · 130 stopped';

/** The options that a command got from `withCommon`. */
export interface CommonOptions {
  readonly config?: readonly string[];
  readonly set?: readonly string[];
  readonly state?: string;
  readonly json?: boolean;
  /** Was asked for before the command began (program.ts). */
  readonly unlock?: boolean;
}

/** For an option that may be given more than once. */
export const collected = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** Adds --config, --set, --state, --unlock and --json. */
export function withCommon(command: Command): Command {
  return command
    .addOption(
      new Option('-c, --config <file>', 'configuration file (JSON); may be given more than once, the last one wins').argParser(collected),
    )
    .addOption(new Option('--set <path=value>', 'one setting, such as camera.fps=10; see docs/reference/settings.md').argParser(collected))
    .option('--state <folder>', 'the state folder (state.folder)')
    .option('--unlock', 'ask first for the passphrase of the vault, or for its recovery phrase')
    .option('--json', 'JSON (or JSON lines) on standard output instead of text');
}

/** What `withNetworks` gives. */
export interface NetworkOptions {
  readonly detector?: string;
  readonly embedder?: string;
}

/** Adds --detector and --embedder. */
export function withNetworks(command: Command): Command {
  return command
    .option('--detector <name|folder>', 'the face detector (face.detector)')
    .option('--embedder <name|folder>', 'the embedder (face.embedder)');
}

/** The settings of `withNetworks` options. */
export function networksOf({ detector, embedder }: NetworkOptions): Readonly<Record<string, unknown>> {
  return { 'face.detector': detector, 'face.embedder': embedder };
}

/** Adds examples and exit codes to --help. `yes` and `no` say what 0 and 1 mean for this command. */
export function withHelp(command: Command, examples: readonly string[], yes: string, no?: string): Command {
  const codes = `0 ${yes}${no ? ` · 1 ${no}` : ''} · ${otherCodes}`;
  return command.addHelpText('after', `\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}\n\nExit codes: ${codes}`);
}

/** A whole number from an option. */
export function wholeNumber(name: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= min && value <= max && text.trim() !== '') return value;
    const range = max === Number.MAX_SAFE_INTEGER ? `of ${min} or more` : `from ${min} to ${max}`;
    throw new Fault('bad-argument', `${name} takes a whole number ${range}, not "${text}"`);
  };
}

/** A rate from an option, above 0 and below 1. */
export function rate(name: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (value > 0 && value < 1) return value;
    throw new Fault('bad-argument', `${name} takes a rate between 0 and 1, such as 0.0001 (one in 10,000), not "${text}"`);
  };
}

/** For commands that only look: they do not make a state folder. @throws Fault `not-found`. */
export function checkState({ state }: Config): void {
  const folder = resolve(state.folder);
  if (existsSync(folder)) return;
  throw new Fault(
    'not-found',
    `There is no state folder ${folder}: nobody was enrolled there yet. Name another with --state (or state.folder), or enrol somebody`,
  );
}

/** The configuration of a command's options. @throws Fault `bad-config`. */
export function configOf(options: CommonOptions, extra: Readonly<Record<string, unknown>> = {}): LoadedConfig {
  const flags = new Map<string, unknown>();
  for (const pair of options.set ?? []) {
    const at = pair.indexOf('=');
    if (at < 1) throw new Fault('bad-argument', `--set takes path=value, such as --set camera.fps=10; "${pair}" has no =`);
    const path = pair.slice(0, at);
    if (/(^|\.)password$/.test(path))
      throw new Fault(
        'bad-argument',
        `${path} is not taken from the command line, where everybody on this machine can read it. Put it into a file and name the file: --set ${path}File=FILE`,
      );
    flags.set(path, pair.slice(at + 1));
  }
  if (options.state !== undefined) flags.set('state.folder', options.state);
  for (const [path, value] of Object.entries(extra)) if (value !== undefined) flags.set(path, value);
  // FACELATCH_CONFIG is not a setting. It names the configuration file; the installed command sets it to that of the
  // service.
  const { FACELATCH_CONFIG: installed, ...env } = surroundings().env;
  return loadConfig({ files: options.config ?? (installed ? [installed] : []), env, flags });
}

/** Prints a result: as JSON when asked, else the text. */
export function print(options: { readonly json?: boolean }, json: unknown, text: () => string): void {
  write(options.json ? JSON.stringify(json) : text());
}

/**
 * One or more lines on standard output. What a terminal would obey is shown instead: names of files and people come
 * from outside.
 */
export function write(text: string): void {
  surroundings().stdout.write(`${shownText(text)}\n`);
}

/** One or more lines for people on standard error, apart from the result. */
export function tell(text: string): void {
  surroundings().stderr.write(`${shownText(text)}\n`);
}

/** The exit code of a fault. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof Fault)) return exitCodes.fault;
  return usageFaults.has(error.code) ? exitCodes.usage : exitCodes.fault;
}

const usageFaults: ReadonlySet<string> = new Set([
  'bad-argument',
  'bad-config',
  'bad-picture',
  'consent-missing',
  'not-found',
  'picture-damaged',
]);

/** True for what a command throws because it was asked to stop: the reason of the signal, or an AbortError. */
export function isStopped(error: unknown, stop: AbortSignal): boolean {
  if (!stop.aborted) return false;
  return error === stop.reason || (error instanceof Error && (error.name === 'AbortError' || error.cause === stop.reason));
}

/** One clear message on standard error (JSON when asked). A stack is shown only for a bug, which is not a Fault. */
export function reportFault(error: unknown, json: boolean): void {
  const code = error instanceof Fault ? error.code : 'bug';
  if (json) tell(JSON.stringify({ error: { code, message: shellMessageOf(error) } }));
  else if (error instanceof Fault) tell(`facelatch: ${error.message}`);
  else tell(`facelatch: this is a bug, please report it: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
}
