/** A picture that a door sent, into a file for its owner alone: it shows people. No file is overwritten. */
import { existsSync, writeFileSync } from 'node:fs';
import { Fault, messageOf } from '../../base/errors.ts';

/** Commands whose answer is a picture. */
const pictureCommands: readonly string[] = ['snapshot', 'picture'];

/** Before anything is sent. @throws Fault `bad-argument`. */
export function checkOut(command: string, out: string | undefined, json: boolean): void {
  const isPicture = pictureCommands.includes(command);
  if (out !== undefined && !isPicture) throw new Fault('bad-argument', `--out is for ${pictureCommands.join(' and ')}, not for ${command}`);
  if (out === undefined && isPicture && !json)
    throw new Fault('bad-argument', `Say where the picture goes: facelatch send DOOR ${command} --out FILE.jpg`);
  if (out !== undefined && existsSync(out))
    throw new Fault('bad-argument', `${out} exists and is not overwritten: name another file (--out)`);
}

/** The result with the file in place of the picture. @throws Fault `bad-argument`. */
export function keepPicture(result: unknown, out: string): object {
  const { picture, ...rest } = result as { readonly picture: string };
  try {
    writeFileSync(out, Buffer.from(picture, 'base64'), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    throw new Fault('bad-argument', `${out} cannot be written: ${messageOf(error)}. Name another file (--out)`, error);
  }
  return { ...rest, file: out };
}
