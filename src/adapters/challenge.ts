/** What shows a challenge to the person, opened as the configuration says: lamps and a voice. */
import { type CalledThread, openCalledThread } from '../base/process/called-thread.ts';
import { findTool } from '../camera/tool.ts';
import type { Config } from '../settings/load.ts';
import type { OutputsAnswer, OutputsOptions, OutputsRequest } from './challenge-outputs.ts';
import { brokerOf } from './relay-line.ts';

export type ChallengeOutputs = CalledThread<OutputsAnswer, OutputsRequest, OutputsAnswer>;

/** The program that speaks (Debian's package of the same name). */
const speaker = 'espeak-ng';

/** Undefined where nothing shows a challenge. `brokerUrl`: of the embedded broker. */
export function outputsOptions(config: Config, brokerUrl?: string): OutputsOptions | undefined {
  const { light, voice } = config.liveness;
  const { kind, chip, line } = config.relay;
  const { gpio, mqtt } = light;
  const program = voice.language === 'off' ? undefined : findTool(speaker);
  const lock = kind === 'gpiod' || kind === 'onoff' ? { chip, line } : undefined;
  const options: OutputsOptions = {
    ...(gpio.line !== '' && { gpio: { place: { ...gpio, chip: gpio.chip || chip }, lock } }),
    ...(mqtt.topic !== '' && { mqtt: { ...mqtt, broker: brokerOf(config, brokerUrl) } }),
    ...(voice.language !== 'off' && program !== undefined && { voice: { program, language: voice.language } }),
  };
  return Object.keys(options).length > 0 ? options : undefined;
}

/** Whether a voice is wanted and the program for it is not there. */
export const lacksVoice = ({ liveness }: Config): boolean => liveness.voice.language !== 'off' && findTool(speaker) === undefined;

export function openChallengeOutputs(options: OutputsOptions): Promise<ChallengeOutputs> {
  const module = new URL('./challenge-outputs.ts', import.meta.url);
  return openCalledThread<OutputsAnswer, OutputsRequest, OutputsAnswer>({
    module,
    data: options,
    ended: "The challenge outputs' thread ended",
  });
}
