/**
 * `facelatch compare`: two pictures in; whether their faces are one person at a false-match rate, and how alike they
 * are, out.
 */
import { Command } from 'commander';
import { readerOf } from '../../adapters/basics.ts';
import type { Embedding, FaceReader } from '../../face/port.ts';
import { logitOf, probabilityOf } from '../../identity/siamese.ts';
import { calibrationCurve } from '../../identity/threshold.ts';
import {
  type CommonOptions,
  configOf,
  exitCodes,
  type NetworkOptions,
  networksOf,
  print,
  rate,
  withCommon,
  withHelp,
  withNetworks,
} from '../context.ts';
import { aboveText, likenessHelp, matchRateOf, matchRateText, strictness } from '../likeness-words.ts';
import { requirePicture } from '../pictures.ts';
import { type Probe, readProbe } from '../probe.ts';
import { oneIn, table } from '../words.ts';

interface CompareOptions extends CommonOptions, NetworkOptions {
  readonly fmr: number;
}

export function compareCommand(stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('compare')
    .summary('are these two pictures of one person? (exit 0 yes, 1 no)')
    .description('Compare the largest and most central faces of two pictures. Nobody needs to be enrolled, and nothing is stored.')
    .argument('<a>', 'a picture file')
    .argument('<b>', 'another')
    .option('--fmr <rate>', 'how strict: the share of pairs of strangers that may pass for one person', rate('--fmr'), 1e-4);
  withHelp(
    command,
    ['facelatch compare a.jpg b.jpg', 'facelatch compare a.jpg b.jpg --fmr 0.001 --json'],
    'one person',
    'not like enough to be one person (also: no face, or an embedder without calibration, which can give no verdict)',
  );
  command.addHelpText('after', likenessHelp);
  return withNetworks(withCommon(command)).action(async (a: string, b: string, options: CompareOptions) =>
    exit(await compare(a, b, options, stop)),
  );
}

async function compare(a: string, b: string, options: CompareOptions, stop: AbortSignal): Promise<number> {
  const { config } = configOf(options, networksOf(options));
  for (const file of [a, b]) await requirePicture(file);
  await using reader = await readerOf(config);
  const probes = [await readProbe(a, reader, config), await readProbe(b, reader, config)] as const;
  stop.throwIfAborted();
  const [one, other] = probes.map((probe) => probe.embedding);
  const likeness = one && other ? likenessOf(one, other, reader, options.fmr) : undefined;
  print(
    options,
    {
      same: likeness?.same ?? null,
      logit: null,
      probability: null,
      cosine: null,
      fmr: null,
      extrapolated: false,
      ...likeness,
      pictures: probes.map(({ source, reasons, detail }) => ({ source, reasons, detail })),
      embedder: { name: reader.embedder.name, version: reader.embedder.version },
    },
    () => compareText(likeness, probes, reader),
  );
  return likeness?.same ? exitCodes.yes : exitCodes.no;
}

function likenessOf(a: Embedding, b: Embedding, { embedder }: FaceReader, fmr: number) {
  const logit = logitOf(embedder.head, a, b);
  const cosine = a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
  const threshold = embedder.calibration ? { ...calibrationCurve(embedder.calibration).logitAt(fmr), fmr } : null;
  return {
    same: threshold ? logit >= threshold.logit : null,
    logit,
    probability: probabilityOf(logit),
    cosine,
    ...matchRateOf(embedder)(logit),
    threshold,
  };
}

function compareText(likeness: ReturnType<typeof likenessOf> | undefined, probes: readonly Probe[], { embedder }: FaceReader): string {
  const remarks = probes.filter(({ detail }) => detail).map(({ source, detail }) => [source, detail]);
  if (!likeness) return `no verdict: no face was found\n${table(remarks, '  ')}`;
  const { same, logit, cosine, threshold } = likeness;
  const verdict = {
    true: 'one person',
    false: 'not like enough to be one person',
    null: `no verdict: the embedder ${embedder.name} has no calibration`,
  }[`${same}`];
  const rows = [
    ['likeness', threshold ? aboveText(logit, threshold.logit) : `cosine ${cosine.toFixed(4)}`],
    ['false-match rate', matchRateText(likeness, embedder)],
    ...(threshold ? [['threshold', strictness(oneIn(threshold.fmr), threshold.extrapolated, 'comparisons of strangers passes')]] : []),
    ...remarks,
  ];
  return `${verdict}\n${table(rows, '  ')}`;
}
