/**
 * `facelatch listen`: hears what a door publishes, checks that the door signed it and that nothing is missing, and says
 * in words what it was.
 */
import { Command } from 'commander';
import { brokerOf } from '../../adapters/relay-line.ts';
import { importKey, thumbprint } from '../../command/keys.ts';
import { openListener } from '../../mqtt/listener.ts';
import type { Heard } from '../../mqtt/listening.ts';
import { type CommonOptions, configOf, exitCodes, tell, wholeNumber, withCommon, withHelp, write } from '../context.ts';
import { counted } from '../words.ts';
import { findDoorCard } from './key-files.ts';

interface ListenOptions extends CommonOptions {
  readonly card?: string;
  readonly broker?: string;
  readonly time?: number;
  readonly silence: number;
}

export function listenCommand(stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('listen')
    .summary('hear a door over MQTT and check that it is the door that speaks')
    .description(
      'Show the states and events of a door as they come over the broker (mqtt.url and the other mqtt settings), and check each: signed by the door, meant for its topic, ' +
        'in order, none missing, not old. A line that begins with ! is not to be believed.',
    )
    .argument('<door>', 'the id of the door (door.id there)')
    .option('--card <file>', 'the card of the door, from "facelatch key door" there; found by itself in ~/.config/facelatch/doors')
    .option('-b, --broker <url>', 'the broker (mqtt.url)')
    .option('-t, --time <s>', 'listen for so many seconds; until Ctrl-C without it', wholeNumber('--time', 1, 31_536_000))
    .option('--silence <s>', 'complain when nothing signed came for so long, seconds; 0: never', wholeNumber('--silence', 0, 86_400), 150);
  withHelp(
    command,
    [
      'facelatch listen front-door --broker mqtts://broker.lan:8883 --set mqtt.caFile=ca.pem',
      "facelatch listen front-door --time 90      # one round of all states: is every one the door's own?",
      "facelatch listen front-door --json | jq 'select(.findings != [])'",
    ],
    'everything heard was as it should be',
    'something was not signed by the door, was changed, missing, old or held back, or the door was silent',
  );
  return withCommon(command).action(async (door: string, options: ListenOptions) => {
    exit(await listen(door, options, stop));
  });
}

/** What was heard so far. */
interface Tally {
  believed: number;
  doubted: number;
}

async function listen(door: string, options: ListenOptions, stop: AbortSignal): Promise<number> {
  const { config } = configOf(options, { 'mqtt.url': options.broker });
  const card = await findDoorCard(door, options.card, config);
  const signer = { kid: await thumbprint(card.sign), key: await importKey(card.sign) };
  const tally: Tally = { believed: 0, doubted: 0 };
  const alarm = silenceAlarm(options.silence * 1000, () => {
    tally.doubted++;
    say(options, { silent: options.silence }, `! ${door}: nothing that the door signed came for ${options.silence} s`);
  });
  const onHeard = (heard: Heard) => {
    const fine = heard.findings.length === 0;
    if (fine) tally.believed++;
    else tally.doubted++;
    if (heard.signed) alarm.again();
    say(options, heard, lineOf(heard));
  };
  try {
    await using listener = await openListener({
      broker: brokerOf(config),
      prefix: config.mqtt.prefix,
      door,
      signer,
      onHeard,
      signal: stop,
    });
    const signal = options.time === undefined ? stop : AbortSignal.any([stop, AbortSignal.timeout(options.time * 1000)]);
    const fault = await Promise.race([listener.closed, ended(signal)]);
    if (fault) throw fault;
  } finally {
    alarm.stop();
  }
  stop.throwIfAborted();
  // Without one message it is not known whether the door speaks at all.
  if (tally.believed === 0) tally.doubted++;
  if (!options.json) tell(`${counted(tally.believed, 'message')} of ${door} believed, ${tally.doubted} not`);
  return tally.doubted === 0 ? exitCodes.yes : exitCodes.no;
}

function ended(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

/** Calls `onSilence` when `again` was not called for `ms`, and once more after each such time. */
function silenceAlarm(ms: number, onSilence: () => void): { again: () => void; stop: () => void } {
  const timer = ms === 0 ? undefined : setInterval(onSilence, ms);
  return { again: () => timer?.refresh(), stop: () => clearInterval(timer) };
}

function say(options: ListenOptions, json: object, text: string): void {
  write(options.json ? JSON.stringify(json) : text);
}

const findingWords: Readonly<Record<Heard['findings'][number], string>> = {
  'not-json': 'not a message of a door',
  unsigned: 'NOT SIGNED: anybody may have written it',
  'other-key': 'NOT SIGNED BY THE DOOR, or changed on the way',
  'other-topic': 'signed by the door for another topic: it was moved',
  missing: 'missing before it',
  rewritten: 'another entry had this number before: the journal was replaced or rewritten',
  retained: 'stored by the broker, and not sent by the door now',
  old: 'old: replayed, or held back',
  late: 'late: held back, or sent after an outage',
};

function lineOf({ what, body, findings, missing }: Heard): string {
  const { seq, at } = body;
  const wrong = findings.map((finding) =>
    finding === 'missing' ? `${counted(missing ?? 0, 'entry', 'entries')} ${findingWords.missing}` : findingWords[finding],
  );
  const mark = findings.length === 0 ? ' ' : '!';
  const number = typeof seq === 'number' ? String(seq).padStart(6) : ' '.repeat(6);
  const time = typeof at === 'string' ? at : ' '.repeat(24);
  return [
    `${mark} ${time}  ${number}  ${what
      .replace(/^event\//, '')
      .replaceAll('/', '.')
      .padEnd(16)}  ${fieldsOf(body)}`,
    ...wrong,
  ]
    .join('\n!     ')
    .trimEnd();
}

/** Every message has them; they are shown elsewhere in the line or are for programs. */
const notShown = new Set(['schema', 'id', 'seq', 'at', 'door', 'kind', 'hash', 'checkpoint', 'sig', 'capturedAtMs', 'capturedAt']);

/** The fields of a message as `name value`. */
function fieldsOf(body: Heard['body']): string {
  const shown = Object.entries(body).filter(([name]) => !notShown.has(name));
  return shown.map(([name, value]) => (name === 'state' || name === 'status' ? wordOf(value) : `${name} ${wordOf(value)}`)).join(', ');
}

function wordOf(value: unknown): string {
  if (typeof value === 'number') return String(Math.round(value * 100) / 100);
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
