/**
 * The thread that shows a challenge to the person: lamp on a GPIO line, lamp behind the broker, voice. house/ starts
 * and ends it through adapters/challenge.ts. It is a thread of its own, so that a busy door does not blur a code of
 * light, and so that nothing here can delay the door. When it ends, lamps are off.
 */
import { randomBytes } from 'node:crypto';
import { workerData } from 'node:worker_threads';
import { messageOf } from '../base/errors.ts';
import { answerCalls } from '../base/process/called-thread.ts';
import { systemClock } from '../base/time.ts';
import { openVoice, type Voice } from '../host/voice.ts';
import { playLamp, type ShownChallenge } from '../liveness/challenge/play.ts';
import { type ChallengeLanguage, challengeSentence } from '../liveness/challenge/words.ts';
import { type BrokerOptions, openConnection } from '../mqtt/connection.ts';
import { type LampLine, type LampPlace, openLampLine } from '../relay/lamp-line.ts';

export interface OutputsOptions {
  readonly gpio?: { readonly place: LampPlace; readonly lock: Omit<LampPlace, 'activeLow'> | undefined };
  readonly mqtt?: { readonly broker: BrokerOptions; readonly topic: string; readonly on: string; readonly off: string };
  readonly voice?: { readonly program: string; readonly language: ChallengeLanguage };
}

/** What could not be opened or used since the last answer; the door goes on without it. */
export interface OutputsAnswer {
  readonly troubles: readonly string[];
}

/** A challenge and how long ago it was issued; absent: there is none any more. */
export interface OutputsRequest {
  readonly shown?: ShownChallenge;
  readonly sinceMs: number;
}

type Light = (on: boolean) => void;

interface State {
  readonly options: OutputsOptions;
  readonly troubles: string[];
  line: LampLine | undefined;
  link: Light | undefined;
  voice: Voice | undefined;
  /** Ends what is being shown. */
  showing: AbortController | undefined;
  played: Promise<void> | undefined;
}

const brokerRetryMs = 5000;

function openGpio(state: State): void {
  const { gpio } = state.options;
  if (!gpio || state.line) return;
  attempt(state, () => {
    state.line = openLampLine(gpio.place, gpio.lock);
  });
}

/** Connects, and again when the connection breaks. The broker switches the lamp off when this process is gone. */
async function keepLinked(state: State): Promise<never> {
  for (let last = ''; ; await systemClock.sleep(brokerRetryMs)) {
    const { mqtt } = state.options;
    if (!mqtt) return await new Promise<never>(() => undefined);
    try {
      const { broker, topic, on, off } = mqtt;
      const will = { topic, payload: Buffer.from(off), qos: 0, retain: false } as const;
      const { client, closed } = await openConnection({ broker, clientId: `facelatch-lamp-${randomBytes(6).toString('hex')}`, will });
      last = '';
      // What comes late is another code.
      const light: Light = (lit) =>
        client.publish(topic, lit ? on : off, { qos: 0, properties: { messageExpiryInterval: 1 } }, () => undefined);
      state.link = light;
      light(false);
      await closed;
    } catch (error) {
      const why = messageOf(error);
      if (why !== last) state.troubles.push(why);
      last = why;
    }
    state.link = undefined;
  }
}

function attempt(state: State, work: () => void): void {
  try {
    work();
  } catch (error) {
    state.troubles.push(messageOf(error));
  }
}

function light(state: State, on: boolean): void {
  const { line, link } = state;
  attempt(state, () => line?.light(on));
  attempt(state, () => link?.(on));
}

async function show(state: State, { shown, sinceMs }: OutputsRequest): Promise<OutputsAnswer> {
  state.showing?.abort();
  await state.played;
  state.voice?.hush();
  state.showing = undefined;
  if (shown) {
    openGpio(state);
    const { voice, options } = state;
    // The clock of this thread begins at another time.
    const issuedAtMs = systemClock.now() - sinceMs;
    const here = { ...shown, issuedAtMs, deadlineMs: issuedAtMs + shown.deadlineMs - shown.issuedAtMs };
    state.showing = new AbortController();
    state.played = playLamp(here, (on) => light(state, on), systemClock, state.showing.signal);
    if (options.voice) voice?.say(challengeSentence(shown, options.voice.language));
  }
  return { troubles: state.troubles.splice(0) };
}

await answerCalls<OutputsAnswer, OutputsRequest, OutputsAnswer>(async () => {
  const options = workerData as OutputsOptions;
  const state: State = {
    ...{ options, troubles: [], line: undefined, link: undefined, voice: undefined },
    ...{ showing: undefined, played: undefined },
  };
  openGpio(state);
  void keepLinked(state);
  if (options.voice) state.voice = openVoice({ ...options.voice, failed: (why) => void state.troubles.push(`espeak-ng: ${why}`) });
  process.on('exit', () => {
    light(state, false);
    state.voice?.hush();
    attempt(state, () => state.line?.[Symbol.dispose]());
  });
  return { info: { troubles: state.troubles.splice(0) }, answer: (request) => show(state, request) };
});
