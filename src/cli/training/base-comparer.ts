/** The base networks as something to compare with: a face reader in, a comparer of picture files out. */

import { isBadPicture } from '../../base/errors.ts';
import type { FaceReader } from '../../face/port.ts';
import { logitOf, probabilityOf } from '../../identity/siamese.ts';
import type { Config } from '../../settings/load.ts';
import type { Comparer } from '../../train/paper/base-figures.ts';
import { readProbe } from '../probe.ts';

/** Its score is the head's probability of one person. A picture that cannot be read counts as one without a face. */
export function baseComparer(reader: FaceReader, config: Config): Comparer {
  const { name, version, head } = reader.embedder;
  return {
    label: `${name} ${version}`,
    embed: async (path) => {
      try {
        return (await readProbe(path, reader, config)).embedding;
      } catch (error) {
        if (isBadPicture(error)) return undefined;
        throw error;
      }
    },
    score: (a, b) => probabilityOf(logitOf(head, a, b)),
  };
}
