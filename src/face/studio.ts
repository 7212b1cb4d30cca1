/** Opens the networks for training, in the calling thread: a configuration goes in, a FaceStudio comes out. */

import type { NetworkPlace } from '../base/model/place.ts';
import { fill } from '../base/model/session.ts';
import { alignFace } from './align.ts';
import { openDetector } from './detect.ts';
import { openEmbedder } from './embed.ts';
import { openDetectorNetwork } from './manifest/detector.ts';
import { openEmbedderNetwork } from './manifest/embedder.ts';
import { decodePicture } from './picture.ts';
import type { FaceStudio } from './port.ts';
import { byDominance } from './quality.ts';

export interface StudioOptions {
  /** Where the networks lie. */
  readonly detector: string;
  readonly embedder: NetworkPlace;
  readonly threads: number;
}

/** Opens both networks. @throws Fault `model-missing`, `model-damaged`, `model-unfit`. */
export async function openFaceStudio({ detector, embedder, threads }: StudioOptions): Promise<FaceStudio> {
  const { adapter: _, ...network } = openEmbedderNetwork(embedder);
  const eye = await openDetector(openDetectorNetwork(detector), { threads });
  const twin = await openEmbedder(network, { threads });
  const { width, height } = network.input;
  const own = { width, height, points: network.template };
  return {
    width,
    height,
    framing: own,
    network: network.sha256,
    dimension: network.output.dimension,
    twin: network.twin,
    cut: async (encoded, { points, ...size } = own) => {
      const picture = await decodePicture(encoded);
      const [face] = byDominance(await eye.detect(picture), picture.width, picture.height);
      return face && alignFace(picture, face.landmarks, points, size.width, size.height);
    },
    embed: async (aligned) => (await twin.embed(aligned)).embedding,
    judge: (aligned) => twin.embed(aligned),
    ...(network.info.quality && { leastFitness: network.info.quality.door }),
    bytes: network.bytes,
    output: network.output.name,
    ...(network.quality && 'name' in network.quality && { qualityOutput: network.quality.name }),
    layout: network.input.layout,
    feed: (aligned, batch, row) => fill(batch, row, aligned, width, height, network.input),
  };
}
