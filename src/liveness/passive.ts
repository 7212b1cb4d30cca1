/**
 * The liveness networks in ONNX Runtime: a square that was cut out around a face goes in, how live it looks comes out.
 * The worker opens them and owns them as long as it runs.
 */
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { Fault } from '../base/errors.ts';
import { fill, openInferenceSession, tensorOf } from '../base/model/session.ts';
import type { LivenessNetworks, LiveOutput } from './manifest.ts';
import type { FrameEvidence } from './port.ts';

export type Passive = NonNullable<FrameEvidence['passive']>;

/** One network. */
export interface PassiveNetwork {
  readonly name: string;
  look(rgb: Uint8Array): Promise<Passive>;
}

/** Opens the networks and runs each once. @throws Fault `model-unfit` if an output is not what the manifest says. */
export async function openPassive({ networks, input, output, threshold }: LivenessNetworks, threads: number): Promise<PassiveNetwork[]> {
  const opened: PassiveNetwork[] = [];
  for (const { name, bytes } of networks) {
    const session = await openInferenceSession(bytes, name, input, { threads });
    const data = new Float32Array(3 * input.width * input.height);
    const look = async (rgb: Uint8Array): Promise<Passive> => {
      fill(data, 0, rgb, input.width, input.height, input);
      const results = await session.run({ [input.name]: tensorOf(data, 1, input) });
      const logit = logitOf(results, output, name) - threshold;
      const features = output.kind === 'logit' && output.features ? numbersIn(results, output.features)?.slice() : undefined;
      return { network: name, logit, ...(features && { features }) };
    };
    await look(new Uint8Array(data.length));
    opened.push({ name, look });
  }
  return opened;
}

const numbersIn = (results: InferenceSession.OnnxValueMapType, name: string): Float32Array | undefined => {
  const data = (results[name] as Tensor | undefined)?.data;
  return data instanceof Float32Array ? data : undefined;
};

/** Of classes: the logit of `live` against all others together. */
function logitOf(results: InferenceSession.OnnxValueMapType, output: LiveOutput, name: string): number {
  const values = numbersIn(results, output.name);
  const count = output.kind === 'logit' ? 1 : output.count;
  if (values?.length !== count)
    throw new Fault(
      'model-unfit',
      `The output "${output.name}" of the network ${name} has ${values?.length ?? 'no'} numbers for a face, not ${count}: correct output in its manifest`,
    );
  if (output.kind === 'logit') return values[0] as number;
  const live = values[output.live] as number;
  const others = [...values].filter((_, at) => at !== output.live);
  const most = Math.max(...others);
  return live - most - Math.log(others.reduce((sum, value) => sum + Math.exp(value - most), 0));
}
