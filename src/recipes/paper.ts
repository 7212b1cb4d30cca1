/**
 * The recipe `paper`: the paper's network, trained from its first weights. Everyone (the door's people, its strangers,
 * others) is assigned to one of three groups: to learn from, to decide when to stop, and to calibrate on. The network
 * learns from nobody else.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { Fault, isBadPicture } from '../base/errors.ts';
import type { NetworkPlace } from '../base/model/place.ts';
import { shelved } from '../base/model/shelf.ts';
import { newRandom, shuffled } from '../base/random.ts';
import type { Calibration, Embedding, FaceStudio, Framing, Head } from '../face/port.ts';
import type { Recipe, RecipeRun, Sample, TrainingData } from '../retrain/port.ts';
import type { Course, CourseResult, CourseStep, Network, Sitter, Weights } from '../train/port.ts';
import { calibrationTable, fewest, rates } from './calibrate.ts';
import { lackOf } from './data.ts';
import { embedVersions } from './embed-versions.ts';
import { writePaper } from './paper-folder.ts';

/** A step is one step of the optimiser. */
export type PaperPlan = Pick<Course, 'pairs' | 'stepsPerEpoch' | 'epochs' | 'patience' | 'optimiser' | 'augment' | 'checkpointEvery'>;

/** The defaults of `facelatch train`: at most 2,500 steps; it stops after eight epochs without an improvement. */
export const paperPlan: PaperPlan = {
  pairs: 16,
  stepsPerEpoch: 50,
  epochs: 50,
  patience: 8,
  optimiser: { kind: 'adam', rate: 1e-4, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 },
  augment: 0.3,
  checkpointEvery: 200,
};

interface PaperParts {
  readonly network: Network;
  readonly plan: PaperPlan;
  /** Opens the door's detector with the embedder of a folder. */
  readonly openStudio: (embedder: NetworkPlace, threads: number) => Promise<FaceStudio>;
  readonly follow: (course: Course) => Promise<CourseResult>;
  /**
   * The twin as ONNX: `pictures` (1 × side × side × 3, 0…1) in, `embeddings` (units + 1, a unit vector) out, and the
   * head over them.
   */
  readonly encode: (network: Network, weights: Weights) => { readonly onnx: Uint8Array; readonly head: Head };
  readonly logitOf: (head: Head, a: Embedding, b: Embedding) => number;
  /**
   * Pictures of people who are strangers to this door, a list for each person, none of them among the pictures `here`
   * (by id).
   */
  readonly others: (here: ReadonlySet<string>) => readonly (readonly Sample[])[];
}

/**
 * People with two pictures needed: at least half of them are learned from, the others never. With others, fewer are
 * enough.
 */
const needed = { alone: 8, withOthers: 4 } as const;
/** Share of each kind of people that is held out to stop by, and the same share to calibrate on. */
const heldOut = 0.2;
/**
 * Embeddings of each picture calibrated on: the face as it is and five degraded copies. Few people must show rare
 * errors.
 */
const versions = 6;
/** More embeddings on either side of the comparisons add nothing. */
const [mostProbes, mostTemplates] = [600, 600];
/** With few people only the higher rates can be shown, and a table needs three rows: hence 0.3. */
const paperRates = [0.3, ...rates];

export function paperRecipe(parts: PaperParts): Recipe {
  return {
    name: 'paper',
    lacks: (data) => lackOf(data, 'paper', { people: neededBeside(othersFor(data, parts)), pictures: 2 }),
    run: async (run) => {
      const startedAt = performance.now();
      const others = othersFor(run.data, parts);
      const people = neededBeside(others);
      const lack = lackOf(run.data, 'paper', { people, pictures: 2 });
      if (lack) throw new Fault('training-failed', lack);
      const { network, plan } = parts;
      const studio = await parts.openStudio(run.base, run.threads);
      const framing = scaled(studio.framing, network.side);
      const cuts = await cutSitters(studio, framing, others, run);
      const groups = groupsOf(cuts.sitters, people, run.seed);
      let speed = 0;
      const course = await parts.follow({
        ...plan,
        network,
        learnFrom: groups.learned,
        stopBy: groups.judged,
        folder: run.checkpoint.folder,
        seed: run.seed,
        threads: run.threads,
        signal: run.signal,
        onStep: (step) => {
          speed = step.stepsPerS;
          run.onProgress({ stage: 'training', done: step.step, total: step.steps, figures: figuresOf(step) });
        },
      });
      run.signal.throwIfAborted();
      const { onnx, head } = parts.encode(network, course.weights);
      writePaper(run.out, { network, onnx, head, framing });
      // Calibrated as the face room opens it: what is measured is what the door will use.
      const calibration = await calibrate(await parts.openStudio(shelved(run.out), run.threads), head, groups, parts, run);
      writePaper(run.out, { network, onnx, head, framing, calibration });
      return {
        folder: run.out.folder,
        calibration,
        seconds: (performance.now() - startedAt) / 1000,
        figures: {
          ...{ seed: run.seed, faces: cuts.faces, without: cuts.without },
          ...{ learned: groups.learned.length, judged: groups.judged.length, calibrated: groups.calibrated.length },
          ...{ steps: course.steps, 'steps.best': course.step, 'steps.perSecond': speed, loss: course.loss },
          ...{ 'validation.loss': course.validation.loss, 'validation.accuracy': course.validation.accuracy },
        },
      };
    },
  };
}

const figuresOf = ({ loss, stepsPerS, validation }: CourseStep) => ({
  loss,
  'steps.perSecond': stepsPerS,
  ...(validation && { 'validation.loss': validation.loss, 'validation.accuracy': validation.accuracy }),
});

const othersFor = (data: TrainingData, { others }: PaperParts): readonly (readonly Sample[])[] =>
  others(new Set([...data.people.flatMap(({ samples }) => samples), ...data.strangers.flat()].map(({ id }) => id)));

const neededBeside = (others: readonly unknown[]) => (others.length > 0 ? needed.withOthers : needed.alone);

const scaled = ({ width, height, points }: Framing, side: number): Framing => ({
  width: side,
  height: side,
  points: points.map(([x, y]) => [(x * side) / width, (y * side) / height]),
});

interface Cuts {
  readonly sitters: Readonly<Record<'people' | 'strangers' | 'others', readonly Sitter[]>>;
  readonly faces: number;
  readonly without: number;
}

/** Cuts out everyone's faces. People without a face are left out. */
async function cutSitters(studio: FaceStudio, framing: Framing, others: readonly (readonly Sample[])[], run: RecipeRun): Promise<Cuts> {
  const { people, strangers } = run.data;
  const total = [...people.map(({ samples }) => samples), ...strangers, ...others].reduce((sum, own) => sum + own.length, 0);
  let [faces, without] = [0, 0];
  const sit = async (name: string, samples: readonly Sample[], stranger = false, lenient = false): Promise<Sitter[]> => {
    const own: Uint8Array[] = [];
    for (const { picture } of samples) {
      run.signal.throwIfAborted();
      const face = await studio.cut(picture, framing).catch((error: unknown) => {
        // The folder of others may contain anything.
        if (lenient && isBadPicture(error)) return undefined;
        throw error;
      });
      if (face) own.push(face);
      else without++;
      faces += face ? 1 : 0;
      run.onProgress({ stage: 'faces', done: faces + without, total });
    }
    return own.length > 0 ? [{ name, faces: own, stranger }] : [];
  };
  const sitters = { people: [] as Sitter[], strangers: [] as Sitter[], others: [] as Sitter[] };
  for (const { personId, samples } of people) sitters.people.push(...(await sit(`person ${personId}`, samples)));
  for (const [index, samples] of strangers.entries()) sitters.strangers.push(...(await sit(`stranger ${index}`, samples, true)));
  for (const [index, samples] of others.entries()) sitters.others.push(...(await sit(`nobody ${index}`, samples, false, true)));
  return { sitters, faces, without };
}

type Groups = Readonly<Record<'learned' | 'judged' | 'calibrated', readonly Sitter[]>>;

/**
 * Divides each kind of people by the seed. People with a single face are learned from: a genuine comparison needs two.
 */
function groupsOf({ people, strangers, others }: Cuts['sitters'], least: number, seed: number): Groups {
  const able = people.filter(({ faces }) => faces.length >= 2).length;
  if (able < least)
    throw new Fault(
      'training-failed',
      `Only ${able} people have two pictures with a face: paper needs ${least}, of whom it learns from some and is measured on the others`,
    );
  const groups = { learned: [] as Sitter[], judged: [] as Sitter[], calibrated: [] as Sitter[] };
  for (const [kind, fewestEach] of [[people, 1] as const, [others, 1] as const, [strangers, 0] as const]) {
    const order = shuffled(kind, newRandom(seed));
    const holdable = order.filter(({ faces, stranger }) => stranger || faces.length >= 2);
    const count = holdable.length === 0 ? 0 : Math.max(fewestEach, Math.round(heldOut * holdable.length));
    const [judged, calibrated] = [holdable.slice(0, count), holdable.slice(count, 2 * count)];
    groups.judged.push(...judged);
    groups.calibrated.push(...calibrated);
    groups.learned.push(...order.filter((sitter) => !judged.includes(sitter) && !calibrated.includes(sitter)));
  }
  return groups;
}

interface Template {
  readonly sitter: Sitter;
  readonly face: number;
  readonly embedding: Embedding;
}

/**
 * The held-out people are compared with each other, with those the training was stopped by, and with those it learned
 * from.
 */
async function calibrate(studio: FaceStudio, head: Head, groups: Groups, parts: PaperParts, run: RecipeRun): Promise<Calibration> {
  const { learned, judged, calibrated } = groups;
  const facesOf = (sitters: readonly Sitter[]) =>
    sitters.flatMap((sitter) => sitter.faces.map((pixels, face) => ({ sitter, face, pixels })));
  const random = newRandom(run.seed);
  const probed = shuffled(facesOf(calibrated), random).slice(0, mostProbes);
  // Strangers are never enrolled.
  const enrolled = (sitters: readonly Sitter[]) => facesOf(sitters.filter(({ stranger }) => !stranger));
  const rest = shuffled([...enrolled(judged), ...enrolled(learned)], random);
  const compared = [...enrolled(calibrated), ...rest].slice(0, mostTemplates);
  const worse = Math.min(versions, Math.max(1, Math.floor(mostProbes / probed.length))) - 1;
  const total = compared.length + probed.length;
  let done = 0;
  const step = async () => {
    run.signal.throwIfAborted();
    run.onProgress({ stage: 'calibrating', done: done++, total });
    await nextTurn();
  };
  const templates: Template[] = [];
  for (const { sitter, face, pixels } of compared) {
    await step();
    templates.push({ sitter, face, embedding: await studio.embed(pixels) });
  }
  const genuine: number[] = [];
  const [unseen, seen]: [number[], number[]] = [[], []];
  const wasLearned = new Set(learned);
  for (const { sitter, face, pixels } of probed) {
    await step();
    const probes = await embedVersions(studio, pixels, worse, `${run.seed} ${sitter.name} ${face}`);
    for (const probe of probes)
      for (const template of templates) {
        if (template.sitter === sitter && template.face === face) continue;
        const logit = parts.logitOf(head, probe, template.embedding);
        if (template.sitter === sitter) genuine.push(logit);
        else (wasLearned.has(template.sitter) ? seen : unseen).push(logit);
      }
  }
  const calibration = calibrationTable(
    // All of them together, too: they reach rates that neither reaches alone.
    { genuine: Float64Array.from(genuine), impostors: [[...unseen, ...seen], unseen, seen].map((some) => Float64Array.from(some)) },
    { scale: 1, bias: 0 },
    `${calibrated.length} people held out, of ${learned.length + judged.length + calibrated.length}, against everyone`,
    paperRates,
  );
  if (calibration.table.length >= 3) return calibration;
  const impostors = unseen.length + seen.length;
  throw new Fault(
    'training-failed',
    impostors < fewest / (paperRates[2] as number)
      ? `The people held out give ${impostors} comparisons of two people, and paper needs ${Math.ceil(fewest / (paperRates[2] as number))} to calibrate: add more pictures of the people`
      : 'The network does not tell people apart: all people it has not learned from look equally similar to it, so no threshold can be set. Train longer, or from more people',
  );
}
