/** `facelatch privacy`: what this door holds of people, why, how long, how it is protected and where it goes. */
import { Command, Option } from 'commander';
import { vaultFiles, vaultLock } from '../../adapters/vault.ts';
import type { Config } from '../../settings/load.ts';
import { keyringNotes } from '../../vault/keyring.ts';
import { type CommonOptions, checkState, configOf, exitCodes, print, withCommon, withHelp } from '../context.ts';
import { sourceWords } from '../vault/vault-words.ts';
import { receiversOf } from './goes.ts';
import { type Holding, holdingsOf } from './holdings.ts';
import { type NoticeLanguage, noticeLanguages, noticeOf } from './notice.ts';

interface PrivacyOptions extends CommonOptions {
  readonly notice?: NoticeLanguage | true;
}

export function privacyCommand(_stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('privacy')
    .summary('what this door holds of people, and for how long')
    .description(
      'Show what this door holds of people: why, how long, how much, since when, how it is protected and where it goes. It reads beside a running door.',
    )
    .addOption(
      new Option('--notice [language]', 'print a text for a sign at the door instead, from the settings').choices(noticeLanguages),
    );
  withHelp(command, ['facelatch privacy', 'facelatch privacy --json', 'facelatch privacy --notice de > sign.txt'], 'shown');
  return withCommon(command).action(async (options: PrivacyOptions) => {
    const { config } = configOf(options);
    if (options.notice !== undefined) {
      const languages = options.notice === true ? noticeLanguages : [options.notice];
      const notices = Object.fromEntries(languages.map((language) => [language, noticeOf(config, language)]));
      print(options, notices, () => Object.values(notices).join('\n\n\n'));
      return exit(exitCodes.yes);
    }
    checkState(config);
    const about = {
      folder: config.state.folder,
      holds: await holdingsOf(config),
      protection: protectionOf(config),
      goes: receiversOf(config),
    };
    print(options, about, () => aboutText(about));
    exit(exitCodes.yes);
  });
}

/** Undefined before the first start. */
function protectionOf(config: Config) {
  const notes = keyringNotes(vaultFiles(config).keyring);
  if (!notes) return undefined;
  const locked = vaultLock(config);
  return { source: notes.source, ...sourceWords(notes), ...(locked && { locked: locked.message }) };
}

function aboutText({
  folder,
  holds,
  protection,
  goes,
}: {
  readonly folder: string;
  readonly holds: readonly Holding[];
  readonly protection: ReturnType<typeof protectionOf>;
  readonly goes: ReturnType<typeof receiversOf>;
}): string {
  const parts = [
    `What ${folder} holds`,
    ...holds.map(holdingText),
    ...(protection
      ? [
          [
            'How it is protected',
            `  sealed with keys whose key comes from ${protection.where}`,
            `  protects against: ${protection.protects}`,
            `  not against:      ${protection.not}`,
            '  not sealed: the keys of the door and of its operators, settings, the times and kinds of entries',
            ...('locked' in protection && protection.locked ? [`  LOCKED: ${protection.locked}`] : []),
          ].join('\n'),
        ]
      : []),
    [
      'Where it goes',
      ...(goes.length === 0 ? ['  nowhere: it stays on this machine'] : goes.map(({ to, what }) => `  ${to}: ${what}`)),
    ].join('\n'),
    'In memory only: the frames of the camera, and the faces of everybody who passes until they are compared.',
  ];
  return parts.join('\n\n');
}

function holdingText({ what, why, howLong, where, bytes, text, oldest, unread }: Holding): string {
  const much = [text, sizeText(bytes), ...(oldest === undefined ? [] : [`since ${oldest.slice(0, 10)}`])].filter(
    (part) => part !== undefined,
  );
  return [
    `- ${what}`,
    `  ${much.join(', ')}: ${where.join(', ')}`,
    `  why:      ${why}`,
    `  how long: ${howLong}`,
    ...(unread === undefined ? [] : [`  cannot be read now: ${unread}`]),
  ].join('\n');
}

/** `12 kB`, `3.4 MB`. */
function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1_000_000 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
