/**
 * The network that tells whether an eye is open: the squares of both eyes go in, two probabilities come out. The worker
 * opens it. Use it over time: of single eyes it misjudges every fifth.
 */
import type { Tensor } from 'onnxruntime-node';
import { Fault } from '../base/errors.ts';
import { fill, openInferenceSession, tensorOf } from '../base/model/session.ts';
import { openEyeNetwork } from './manifest.ts';
import type { FrameEvidence } from './port.ts';

export type EyesOpen = NonNullable<FrameEvidence['eyesOpen']>;

/** Opens the folder of the network. @throws Fault `model-missing`, `model-damaged` or `model-unfit`. */
export async function openEyeState(folder: string): Promise<(eyes: readonly [Uint8Array, Uint8Array]) => Promise<EyesOpen>> {
  const network = openEyeNetwork(folder);
  const { input, output } = network;
  const session = await openInferenceSession(network.bytes, network.name, input, { threads: 1 });
  const data = new Float32Array(3 * input.width * input.height);
  const look = async (rgb: Uint8Array): Promise<number> => {
    fill(data, 0, rgb, input.width, input.height, input);
    const results = await session.run({ [input.name]: tensorOf(data, 1, input) });
    const found = (results[output.name] as Tensor | undefined)?.data[output.open];
    if (typeof found === 'number') return found;
    throw new Fault(
      'model-unfit',
      `The network ${network.name} has no output "${output.name}" with ${output.open + 1} numbers: correct its manifest`,
    );
  };
  await look(new Uint8Array(data.length));
  return async ([right, left]) => [await look(right), await look(left)];
}
