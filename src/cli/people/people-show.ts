/** `facelatch people show`: one person, and their pictures as files. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { Command } from 'commander';
import { shownRules } from '../../access/person-rules.ts';
import { Fault, messageOf } from '../../base/errors.ts';
import type { Gallery } from '../../identity/port.ts';
import { shownId } from '../../retrain/labels.ts';
import { type CommonOptions, exitCodes, print, withCommon, withHelp } from '../context.ts';
import { findPerson } from '../person.ts';
import { table } from '../words.ts';
import { openStored } from './opened.ts';
import { rulesText } from './people-rules.ts';

export function showCommand(exit: (code: number) => void): Command {
  const command = new Command('show')
    .description('one person and their pictures')
    .argument('<name|id>', 'the person')
    .option('--pictures <folder>', 'write the stored pictures into this folder (no file is overwritten)');
  withHelp(command, ['facelatch people show Ada', 'facelatch people show Ada --pictures /tmp/ada'], 'done');
  return withCommon(command).action((who: string, options: CommonOptions & { readonly pictures?: string }) => {
    using open = openStored(options);
    const { gallery } = open;
    const person = findPerson(gallery, who);
    const pictures = gallery.pictures(person.id);
    const files = options.pictures === undefined ? undefined : writePictures(options.pictures, pictures);
    const list = pictures.map(({ id, source, addedAt, picture }, i) => ({
      id,
      source,
      addedAt,
      bytes: picture?.length ?? 0,
      ...(files ? { file: files[i] } : {}),
    }));
    const rules = shownRules(gallery.rules(person.id));
    print(options, { person, rules, pictures: list }, () =>
      [
        `${person.name}, enrolled ${person.enrolledAt}, id ${person.id}`,
        rulesText(rules),
        table(
          [
            ['id', 'picture', 'added', 'bytes', ...(files ? ['written to'] : [])],
            ...list.map((row) => [
              shownId(row.id),
              row.source,
              row.addedAt,
              row.bytes === 0 ? 'not kept' : String(row.bytes),
              ...(row.file ? [row.file] : []),
            ]),
          ],
          '  ',
        ),
      ].join('\n'),
    );
    exit(exitCodes.yes);
  });
}

/** Writes all pictures or none, readable by the owner alone: they show a face. @throws Fault `bad-argument`. */
function writePictures(folder: string, pictures: ReturnType<Gallery['pictures']>): (string | undefined)[] {
  const written: string[] = [];
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return pictures.map(({ picture, source }, i) => {
      if (!picture) return undefined;
      const file = join(folder, `${String(i + 1).padStart(2, '0')}${extensionOf(picture, source)}`);
      writeFileSync(file, picture, { flag: 'wx', mode: 0o600 });
      written.push(file);
      return file;
    });
  } catch (error) {
    for (const file of written) rmSync(file, { force: true });
    throw new Fault(
      'bad-argument',
      `The pictures cannot be written to ${folder}: ${messageOf(error)}. Name a new folder with --pictures`,
      error,
    );
  }
}

/**
 * The extension of the file it came from, else what cameras give. Checked, because a source is text that somebody
 * typed.
 */
function extensionOf(picture: Uint8Array, source: string): string {
  const stated = extname(source).toLowerCase();
  if (/^\.[a-z]{3,4}$/.test(stated)) return stated;
  return picture[0] === 0x89 ? '.png' : '.jpg';
}
