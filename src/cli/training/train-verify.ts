/**
 * `facelatch train verify`: the paper's verification, one probe against a folder of verification images, with a
 * network trained here.
 */
import { Command } from 'commander';
import { readerOf } from '../../adapters/basics.ts';
import { readTrainedModel, verifyAgainstFolder } from '../../train/trained-model.ts';
import { configOf, exitCodes, print, withHelp } from '../context.ts';
import { findFace } from '../face-finding.ts';
import { counted, table } from '../words.ts';
import { decimal } from './training-options.ts';

interface VerifyOptions {
  readonly detection: number;
  readonly verification: number;
  readonly json?: boolean;
}

export function trainVerifyCommand(exit: (code: number) => void): Command {
  const command = new Command('verify')
    .summary('one picture against a folder of verification images')
    .description(
      'Compare a probe with each picture of a folder, as the paper and the tutorial’s app do: verified when the share of scores above the detection threshold is above the verification threshold. ' +
        'Pictures are taken as in training: whole, or cut to the face (train --crop).',
    )
    .argument('<model>', 'the folder given to facelatch train as --out')
    .argument('<probe>', 'the picture in question')
    .argument('<folder>', 'verification images of one person')
    .option('--detection <score>', 'detection threshold', decimal('--detection', 0, 1), 0.99)
    .option('--verification <share>', 'verification threshold', decimal('--verification', 0, 1), 0.8)
    .option('--json', 'one JSON document on standard output instead of text');
  withHelp(
    command,
    ['facelatch train verify twin probe.jpg pictures-of-ada/ --detection 0.5 --verification 0.5'],
    'verified',
    'not verified',
  );
  return command.action(async (path: string, probe: string, folder: string, options: VerifyOptions) => {
    const { detection, verification } = options;
    const model = await readTrainedModel(path);
    await using reader = model.crop ? await readerOf(configOf({}).config) : undefined;
    const locate = reader && { locate: (picture: string) => findFace(picture, reader) };
    const found = await verifyAgainstFolder(model, { probe, folder, detection, verification, threads: 0, ...locate });
    print(options, { ...found, detection, verification }, () => {
      const scores = found.scores.map(({ score }) => score).sort((a, b) => a - b);
      const at = (share: number) => (scores[Math.round(share * (scores.length - 1))] ?? 0).toFixed(4);
      const share = ((100 * found.detections) / found.images).toFixed(1);
      return [
        `${found.verified ? 'verified' : 'not verified'}: ${found.detections} of ${found.images} pictures (${share} %) score above ${detection}; more than ${100 * verification} % are needed`,
        table(
          [
            ['lowest', 'median', 'highest score'],
            [at(0), at(0.5), at(1)],
          ],
          '  ',
        ),
        ...(found.withoutFace.length > 0 ? [`${counted(found.withoutFace.length, 'picture')} without a face, which score 0:`] : []),
        ...found.withoutFace.map((picture) => `  ${picture}`),
      ].join('\n');
    });
    exit(found.verified ? exitCodes.yes : exitCodes.no);
  });
}
