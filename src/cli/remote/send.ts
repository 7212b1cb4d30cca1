/**
 * `facelatch send`: signs a command for a door, sends it over the broker, waits for the answer, checks that the door
 * signed it,
 * and says in words what happened.
 */
import { Option, Command as Program } from 'commander';
import { brokerOf } from '../../adapters/relay-line.ts';
import { Fault } from '../../base/errors.ts';
import { nearest } from '../../base/nearest.ts';
import { systemClock } from '../../base/time.ts';
import { commands } from '../../command/registry.ts';
import type { ReplyBody } from '../../command/reply.ts';
import { openSender } from '../../command/request.ts';
import type { Command } from '../../command/spec.ts';
import { openCaller } from '../../mqtt/caller.ts';
import type { Config } from '../../settings/load.ts';
import { consentVersion } from '../consent.ts';
import { configOf, exitCodes, print, wholeNumber, withCommon, withHelp } from '../context.ts';
import { askSecret } from '../secret-prompt.ts';
import { table } from '../words.ts';
import { findDoorCard, operatorKeyFile, readOperatorKey } from './key-files.ts';
import { answerText } from './send-answers.ts';
import { argsOf, secretsOf } from './send-args.ts';
import { sendEnrolment } from './send-enrolment.ts';
import type { Ask, SendOptions } from './send-options.ts';
import { sendPassphrase } from './send-passphrase.ts';
import { checkOut, keepPicture } from './send-picture.ts';

export function sendCommand(stop: AbortSignal, exit: (code: number) => void): Program {
  const command = new Program('send')
    .summary('send a signed command to a door')
    .description(
      'Sign a command with the key of an operator (facelatch key create), send it to a door over the broker (mqtt.url and the other mqtt settings), wait for the ' +
        'answer and check that the door signed it. Both are encrypted: the broker can neither read, change, repeat nor forge them.',
    )
    .argument('<door>', 'the id of the door (door.id there)')
    .argument('<command>', 'see below')
    .argument('[name=value...]', 'arguments of the command; name=@FILE for a picture. For enrol: NAME and picture files')
    .option('-k, --key <file>', "the operator's private key", operatorKeyFile())
    .option('--card <file>', 'the card of the door, from "facelatch key door" there; found by itself in ~/.config/facelatch/doors')
    .option('-b, --broker <url>', 'the broker (mqtt.url)')
    .addOption(new Option('--args <json>', 'arguments of the command as one JSON object'))
    .option('-t, --timeout <s>', 'how long to wait for the answer, seconds', wholeNumber('--timeout', 1, 600), 10)
    .option('--consent <version>', 'for enrol: the person has agreed to this version of your text on privacy', consentVersion)
    .option('-o, --out <file>', 'for snapshot and picture: the file that the picture is written to; no file is overwritten');
  withHelp(
    command,
    [
      'facelatch send front-door door.open',
      'facelatch send front-door door.hold durationMs=60000 --broker mqtts://broker.lan:8883 --set mqtt.caFile=ca.pem',
      'facelatch send front-door people.list --json',
      'facelatch send front-door snapshot --out now.jpg',
      'facelatch send front-door enrol "Ada Lovelace" ada-1.jpg ada-2.jpg',
    ],
    'done',
    'the door refused',
  );
  command.addHelpText('after', () => `\nCommands (role):\n${listing()}`);
  return withCommon(command).action(async (door: string, name: string, rest: string[], options: SendOptions) => {
    exit(await send({ door, name, rest, options }, stop));
  });
}

function listing(): string {
  const own = ['enrol NAME PICTURE…', 'admin', 'Enrols a person: start, add each picture, commit.'];
  return table([own, ...commands.map(({ name, summary, role }) => [name, role, summary])], '  ');
}

interface Order {
  readonly door: string;
  readonly name: string;
  readonly rest: readonly string[];
  readonly options: SendOptions;
}

async function send({ door, name, rest, options }: Order, stop: AbortSignal): Promise<number> {
  const known = commands.find((command) => command.name === name);
  const names = ['enrol', ...commands.map((command) => command.name)];
  if (!known && name !== 'enrol')
    throw new Fault('bad-argument', `There is no command "${name}"${nearest(name, names) || `: choose from ${names.join(', ')}`}`);
  const args = known ? argsOf(known, rest, options.args, await askedFor(known, { rest, options }, stop)) : {};
  checkOut(name, options.out, options.json === true);
  const { config } = configOf(options, { 'mqtt.url': options.broker });
  await using asking = await openAsking(door, config, options, stop);
  if (!known) return await sendEnrolment(rest, asking.ask, options, stop);
  const answer = name === 'vault.unlock' ? await sendPassphrase(asking.ask, args) : await asking.ask(name, args);
  const { out } = options;
  const kept = answer.ok && out !== undefined ? keepPicture(answer.result, out) : undefined;
  print(options, kept ? { ...answer, result: kept } : answer, () => {
    if (!answer.ok) return refusalText(door, answer.error);
    if (kept) return `The picture is in ${out} (it shows people)`;
    return answerText({ door, command: name, args: args as Readonly<Record<string, unknown>>, result: answer.result });
  });
  return answer.ok ? exitCodes.yes : exitCodes.no;
}

/** The secrets that the command takes; what was given on the command line is looked at first. */
async function askedFor(command: Command, { rest, options }: Pick<Order, 'rest' | 'options'>, stop: AbortSignal) {
  const names = secretsOf(command);
  if (names.length === 0) return {};
  argsOf(command, rest, options.args, Object.fromEntries(names.map((name) => [name, 'x'])));
  const secrets: Record<string, string> = {};
  for (const name of names) secrets[name] = await askSecret({ prompt: `${name} (not shown): `, stop });
  return secrets;
}

function refusalText(door: string, error: ReplyBody['error']): string {
  const reason = error?.reason === undefined ? '' : `, ${error.reason}`;
  return `${door} refused (${error?.code}${reason}): ${error?.message}`;
}

/** A door decodes pictures one after the other, at its leisure: a busy one takes half a minute. */
const patienceS = (command: string, { timeout }: SendOptions): number => (command === 'enrol.add' ? Math.max(timeout, 60) : timeout);

async function openAsking(door: string, config: Config, options: SendOptions, stop: AbortSignal) {
  const operator = readOperatorKey(options.key);
  const card = await findDoorCard(door, options.card, config);
  const sender = await openSender({ operator, door: card, clock: systemClock, lifeS: 30 });
  const caller = await openCaller({ broker: brokerOf(config), prefix: config.mqtt.prefix, door, signal: stop });
  const ask: Ask = async (name, args) => {
    const request = await sender.request(name, args, caller.replyTopic);
    let proved: ReplyBody | undefined;
    let unproved: ReplyBody | undefined;
    const answered = await caller.call(name, request.payload, patienceS(name, options) * 1000, async (reply) => {
      const read = await request.read(reply);
      // A broker may deliver a request twice. Then "replayed" answers the second, and the answer to the first is
      // still to come.
      if (!read.proved || read.body.error?.code === 'replayed') unproved ??= read.body;
      else proved = read.body;
      return proved !== undefined;
    });
    if (answered && proved) return proved;
    if (unproved?.error)
      throw new Fault(
        'broker-refused',
        `No answer signed by the door came within ${patienceS(name, options)} s. Somebody answered: ${unproved.error.message} (${unproved.error.code})`,
      );
    throw new Fault(
      'broker-unreachable',
      `The door ${door} did not answer within ${patienceS(name, options)} s. Check that it runs (topic ${config.mqtt.prefix}/${door}/status), that it uses this broker and has mqtt.commands true, and that mqtt.user may write to ${config.mqtt.prefix}/${door}/cmd/# and read ${config.mqtt.prefix}/${door}/reply/#`,
    );
  };
  return { ask, [Symbol.asyncDispose]: () => caller[Symbol.asyncDispose]() };
}
