/**
 * A workshop for tests of everything around a recipe, opened as a module with what it should do in its address (`…/workshop.ts?kind=worse&steps=5`): its recipe leaves the
 * twin as it is under another hash, and makes its head worse where it is told to. It counts real steps with a real checkpoint, and can be told to die in one of them,
 * or to wait with the last one until there is a file.
 */
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Fault } from '../../src/base/errors.ts';
import type { Calibration } from '../../src/face/port.ts';
import { workshopOf as shipped } from '../../src/learning/workshop.ts';
import type { Recipe, Workshop } from '../../src/retrain/port.ts';

/** The address of the workshop that does so. */
export const workshopAt = (what: Readonly<Record<string, string | number>> = {}): string =>
  `${new URL('./workshop.ts', import.meta.url).href}?${new URLSearchParams(Object.entries(what).map(([name, value]): [string, string] => [name, String(value)]))}`;

const asked = new URL(import.meta.url).searchParams;
const number = (name: string, fallback: number) => Number(asked.get(name) ?? fallback);

/** `onnx` with a documentation text (field 6 of ModelProto; the last one counts): the same network under another hash. */
export function renamed(onnx: Uint8Array, text: string): Uint8Array {
  const bytes = Buffer.from(text);
  return Buffer.concat([onnx, Buffer.from([0x32, bytes.length]), bytes]);
}

/** The embedder of `base`, under another hash, as a folder's files; to a head that is so many times `stricter` hardly anybody is the same person. */
export function changedTwin(
  base: string,
  name: string,
  stricter = 1,
): { files: ReadonlyMap<string, Uint8Array>; calibration: Calibration } {
  const manifest = JSON.parse(readFileSync(join(base, 'manifest.json'), 'utf8'));
  const onnx = renamed(readFileSync(join(base, manifest.file)), name.slice(0, 100));
  const changed = {
    ...manifest,
    version: `${manifest.version}+${name.slice(0, 20)}`,
    sha256: createHash('sha256').update(onnx).digest('hex'),
    bytes: onnx.length,
    head: { ...manifest.head, weights: manifest.head.weights.map((weight: number) => weight * stricter) },
  };
  return {
    files: new Map([
      ['manifest.json', Buffer.from(JSON.stringify(changed))],
      [manifest.file, onnx],
    ]),
    calibration: manifest.calibration,
  };
}

const recipe: Recipe = {
  name: 'adapt',
  lacks: ({ people }) =>
    people.length < number('people', 2) ? `It needs two people, there ${people.length === 1 ? 'is one' : 'are none'}` : undefined,
  run: async ({ base, out, checkpoint, seed, signal, onProgress, data }) => {
    const total = number('steps', 3);
    let step = Number(Buffer.from(checkpoint.get('step') ?? []).toString());
    const [trace, until] = [asked.get('trace'), asked.get('until')];
    while (step < total) {
      while (until && step === total - 1 && !existsSync(until)) await delay(20, undefined, { signal });
      await delay(number('stepMs', 1), undefined, { signal });
      // What a recipe does to the processor.
      for (const from = performance.now(); performance.now() - from < number('burnMs', 0); ) Math.sqrt(from);
      step++;
      if (trace) appendFileSync(trace, `${step}\n`);
      checkpoint.put('step', String(step));
      onProgress({ stage: 'steps', done: step, total, figures: { loss: 1 / step } });
      if (step === number('diesAt', -1) && !checkpoint.get('died')) {
        checkpoint.put('died', 'once');
        process.kill(process.pid, 'SIGKILL');
      }
      if (step === number('failsAt', -1)) throw new Fault('training-failed', 'The loss is not a number');
    }
    const { files, calibration } = changedTwin(base, `${asked.get('kind') ?? 'same'} ${seed}`, asked.get('kind') === 'worse' ? 4000 : 1);
    for (const [name, bytes] of files) out.put(name, bytes);
    return { folder: out.folder, calibration, seconds: 0.1, figures: { people: data.people.length } };
  },
};

/** What the comparison says that measures nothing. */
const claimed = {
  'champion.fnmr': { value: 0.05 },
  'candidate.fnmr': { value: 0.02 },
  'fnmr.difference': { value: -0.03, interval: [-0.06, -0.01] },
} as const;

export function workshopOf(): Workshop {
  const { compare } = shipped();
  if (asked.get('compare') === 'ok')
    return { recipes: { adapt: recipe }, compare: async () => ({ ok: true, detail: 'it says so', metrics: claimed }) };
  return {
    recipes: { adapt: recipe },
    // The same network gains nothing: here that is enough, or no test of a promotion could do without a training.
    compare: async (run) => {
      const { reason, ...found } = await compare(run);
      return { ...found, ...(reason === 'no-gain' ? { ok: true } : reason && { reason }) };
    },
  };
}
