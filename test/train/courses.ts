/** Courses of moments: invented people in memory, and a small network to learn them. */
import { newRandom } from '../../src/base/random.ts';
import type { Course, Sitter } from '../../src/train/port.ts';
import { adam, evenNetwork } from './small-networks.ts';

/** Each is a plain colour, each face of it a little lighter or darker, with noise. The same for the same name. */
export function inventSitters(name: string, people: number, faces: number): Sitter[] {
  const random = newRandom([...name].reduce((sum, letter) => 31 * sum + letter.charCodeAt(0), 9));
  const size = evenNetwork.side ** 2 * 3;
  return Array.from({ length: people }, (_, person) => {
    const colour = [random(), random(), random()];
    const face = () => {
      const light = 0.9 + 0.2 * random();
      return Uint8Array.from({ length: size }, (__, at) => Math.min(255, 255 * light * ((colour[at % 3] ?? 0) * 0.9 + 0.1 * random())));
    };
    return { name: `${name}${person}`, faces: Array.from({ length: faces }, face), stranger: false };
  });
}

export function courseIn(folder: string, change: Partial<Course> = {}): Course {
  return {
    network: evenNetwork,
    learnFrom: inventSitters('a', 8, 4),
    stopBy: inventSitters('b', 5, 4),
    ...{ pairs: 8, stepsPerEpoch: 10, epochs: 3, patience: 3, augment: 0.3, folder, checkpointEvery: 5, seed: 7, threads: 1 },
    optimiser: { ...adam },
    signal: new AbortController().signal,
    onStep: () => undefined,
    ...change,
  };
}
