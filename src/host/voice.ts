/**
 * Reads a sentence out through espeak-ng: the program's path and a language go in; sentences follow. The program is
 * started without a shell. A sentence that cannot be spoken is told to `failed` and to nobody at the door.
 */
import { type ChildProcess, spawn } from 'node:child_process';

export interface Voice extends Disposable {
  /** Ends the sentence before it, if that is still being spoken. */
  say(sentence: string): void;
  /** Silence. */
  hush(): void;
}

export interface VoiceOptions {
  /** The full path of espeak-ng. */
  readonly program: string;
  /** A voice of espeak-ng, such as `en`. */
  readonly language: string;
  readonly failed: (why: string) => void;
}

const longestMs = 15_000;
/** Words a minute; people read instructions out more slowly than espeak-ng does (175). */
const speed = '145';
/** What it takes to find the sound system; secrets of the door are not handed on. */
const passedOn = ['PATH', 'HOME', 'LANG', 'XDG_RUNTIME_DIR', 'PULSE_SERVER', 'PIPEWIRE_REMOTE', 'ALSA_CARD'] as const;

export function openVoice({ program, language, failed }: VoiceOptions): Voice {
  const env = Object.fromEntries(passedOn.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));
  const state: { speaking: ChildProcess | undefined } = { speaking: undefined };
  const hush = () => {
    state.speaking?.kill('SIGKILL');
    state.speaking = undefined;
  };
  return {
    say: (sentence) => {
      hush();
      const child = spawn(program, ['-v', language, '-s', speed, '--', sentence], { stdio: 'ignore', timeout: longestMs, env });
      state.speaking = child;
      child.on('error', (error) => failed(error.message));
      child.on('exit', (code) => {
        if (code !== 0 && code !== null) failed(`exit code ${code}`);
      });
    },
    hush,
    [Symbol.dispose]: hush,
  };
}
