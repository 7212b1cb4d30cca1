/**
 * `facelatch train export` and `train import`: a trained network to and from a TensorFlow.js layers model (the format
 * that Keras models are converted to).
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { Fault } from '../../base/errors.ts';
import { exportLayersModel, importLayersModel } from '../../train/tfjs/layers-model.ts';
import { openTensorFlow } from '../../train/tfjs/tfjs.ts';
import { keepImported, readTrainedModel } from '../../train/trained-model.ts';
import { checkpointName } from '../../train/trainer.ts';
import { exitCodes, print, withHelp } from '../context.ts';
import { makeOutFolder } from './training-folder.ts';

interface ConvertOptions {
  readonly out: string;
  readonly crop?: boolean;
  readonly json?: boolean;
}

export function trainExportCommand(exit: (code: number) => void): Command {
  const command = new Command('export')
    .summary('as a TensorFlow.js layers model')
    .description(
      'Write a trained network as a TensorFlow.js layers model: model.json and weights.bin, as tensorflowjs_converter makes of Keras models.',
    )
    .argument('<model>', 'the folder given to facelatch train as --out')
    .requiredOption('-o, --out <folder>', 'where model.json and weights.bin go')
    .option('--json', 'one JSON document on standard output instead of text');
  withHelp(command, ['facelatch train export orl-network --out orl-layers'], 'written');
  return command.action(async (path: string, options: ConvertOptions) => {
    const { network, weights, steps } = await readTrainedModel(path);
    if (existsSync(join(options.out, 'model.json')))
      throw new Fault('bad-argument', `${options.out} already holds a model.json: give another --out`);
    await exportLayersModel(await openTensorFlow('auto'), network, weights, options.out);
    print(options, { out: resolve(options.out), network: network.name, steps }, () => `${options.out} holds model.json and weights.bin`);
    exit(exitCodes.yes);
  });
}

export function trainImportCommand(exit: (code: number) => void): Command {
  const command = new Command('import')
    .summary('from a TensorFlow.js layers model')
    .description(
      'Read a Siamese network from a TensorFlow.js layers model (model.json and its weights, also one that tensorflowjs_converter made of a Keras model: ' +
        'a twin of convolutions and pools, the layer L1Dist, one dense output), to verify and evaluate with it.',
    )
    .argument('<folder>', 'holds model.json and its weights')
    .requiredOption('-o, --out <folder>', 'where the network goes, as from facelatch train')
    .option('--crop', 'it was trained on pictures cut to the face')
    .option('--json', 'one JSON document on standard output instead of text');
  withHelp(
    command,
    ['facelatch train import orl-layers --out orl-again', 'facelatch train verify orl-again probe.jpg pictures-of-ada/'],
    'read',
  );
  return command.action(async (folder: string, options: ConvertOptions) => {
    if (existsSync(join(options.out, checkpointName)))
      throw new Fault('bad-argument', `${options.out} already holds a trained network: give another --out`);
    const imported = await importLayersModel(await openTensorFlow('auto'), folder);
    makeOutFolder(options.out);
    await keepImported(join(options.out, checkpointName), { ...imported, from: resolve(folder), crop: options.crop ?? false });
    print(options, { out: resolve(options.out), network: imported.network }, () => `${options.out} holds the network of ${folder}`);
    exit(exitCodes.yes);
  });
}
