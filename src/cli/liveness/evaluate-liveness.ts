/** `facelatch evaluate --liveness`: clips of living faces and of attacks go in, how they are told apart comes out. */
import { relative, resolve } from 'node:path';
import { readerOf } from '../../adapters/basics.ts';
import { livenessOf } from '../../adapters/liveness.ts';
import { firstBands, livenessJudge } from '../../liveness/judge.ts';
import type { LivenessPolicy } from '../../liveness/port.ts';
import type { Config } from '../../settings/load.ts';
import { presentationFigures } from '../../train/figures/presentation-attacks.ts';
import { print, tell } from '../context.ts';
import { openProgress } from '../progress.ts';
import { writeInFolder } from '../training/training-folder.ts';
import { type ClipSet, clipSetsIn } from './clips.ts';
import { type JudgedClip, judgedClip, type MeasureParts } from './measure.ts';
import { livenessJson, livenessPage, livenessText, type MeasuredLiveness, type MeasuredSet } from './report.ts';

/** What is judged without asking anybody for anything. */
export const measuredPolicies = ['passive', 'passive+motion', 'challenge-when-unsure'] as const satisfies readonly LivenessPolicy[];

export interface LivenessOptions {
  readonly liveness: string;
  readonly policy: (typeof measuredPolicies)[number];
  readonly fps: number;
  readonly baseline: 'none' | 'half';
  readonly anyQuality?: boolean;
  readonly report?: string;
  readonly json?: boolean;
}

/** BPCER at which APCER is compared. */
const target = 0.05;
/** As at the door (house/liveness/liveness-watch.ts). */
const greyWidth = 320;

/** Measures, prints, and writes the report. */
export async function measureLiveness(options: LivenessOptions, config: Config, stop: AbortSignal): Promise<void> {
  const sets = clipSetsIn(options.liveness);
  await using reader = await readerOf(config);
  await using checker = await livenessOf(config);
  const unreadable: string[] = [];
  const { policy, fps, baseline, anyQuality = false } = options;
  const judge = livenessJudge(() => ({ bands: firstBands, networks: checker.info.scales.length }));
  const parts: MeasureParts = { reader, checker, judge, policy, fps, greyWidth, anyQuality, unreadable };
  const started = performance.now();
  const judged = await judgeAll(sets, parts, stop);
  const measured: MeasuredLiveness = {
    networks: { name: checker.info.name, version: checker.info.version },
    ...{ policy, fps, anyQuality, target },
    sets: sets.map(({ name }, at) => measuredSet(name, judged[at] ?? [], baseline === 'half')),
    frames: sets.flatMap(({ clips }) => clips).reduce((sum, { frames }) => sum + frames.length, 0),
    unreadable: unreadable.map((file) => relative(resolve(options.liveness), file)),
    seconds: (performance.now() - started) / 1000,
  };
  print(options, livenessJson(measured), () => livenessText(measured));
  // After the figures: they are not lost if the page cannot be written.
  if (options.report === undefined) return;
  writeInFolder(options.report, livenessPage(measured));
  tell(`the report is ${options.report}`);
}

/** The clips of each set. */
async function judgeAll(sets: readonly ClipSet[], parts: MeasureParts, stop: AbortSignal): Promise<JudgedClip[][]> {
  const progress = openProgress(
    'judging',
    sets.reduce((sum, { clips }) => sum + clips.length, 0),
    'clips',
  );
  const judged: JudgedClip[][] = [];
  let done = 0;
  try {
    for (const { clips } of sets) {
      const own: JudgedClip[] = [];
      judged.push(own);
      for (const clip of clips) {
        stop.throwIfAborted();
        own.push(await judgedClip(clip, done++, parts));
        progress.update(done);
      }
    }
  } finally {
    progress.stop();
  }
  return judged;
}

/** With `half`, every second living clip sets the threshold and is not measured. */
function measuredSet(name: string, clips: readonly JudgedClip[], half: boolean): MeasuredSet {
  const living = clips.filter(({ instrument }) => instrument === 'live');
  const setting = half ? living.filter((_, at) => at % 2 === 0) : [];
  const rest = clips.filter((clip) => !setting.includes(clip));
  const baseline = setting.flatMap(({ score }) => (score === undefined ? [] : [score]));
  return { name, baseline: setting.length, figures: presentationFigures(rest, { target, ...(half && { baseline }) }), clips };
}
