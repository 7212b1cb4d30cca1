/** `facelatch strictness`: what a face must reach at this door, layer by layer, and at other rates. */
import { Command } from 'commander';
import { galleryOf, thresholdOf } from '../../adapters/basics.ts';
import { vaultOf } from '../../adapters/vault.ts';
import type { EmbedderInfo } from '../../face/port.ts';
import type { Threshold } from '../../identity/port.ts';
import { embedderOf } from '../../learning/networks.ts';
import type { Config } from '../../settings/load.ts';
import { type CommonOptions, checkState, configOf, exitCodes, print, withCommon, withHelp } from '../context.ts';
import { layerRows, missingTexts } from '../strictness-words.ts';
import { oneIn, people, table } from '../words.ts';
import { curveText } from './strictness-curve.ts';

/** Shown besides the rate in force. */
const otherRates = [1e-2, 1e-3, 1e-4, 1e-5, 1e-6] as const;

interface Strictness {
  readonly embedder: EmbedderInfo;
  readonly targetFmr: number;
  readonly people: number;
  /** Who has no template of this embedder: their names. No threshold counts them. */
  readonly unrecognised: readonly string[];
  readonly threshold: Threshold;
  readonly at: readonly { readonly targetFmr: number; readonly threshold: Threshold }[];
}

export function strictnessCommand(_stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('strictness')
    .summary('how alike a face must be at this door, and why')
    .description(
      "Show the threshold of this door in its layers (calibration table, independent chances, the door's own evidence), what it would be at other rates of wrong accepts, and the curve behind it.",
    );
  withHelp(
    command,
    ['facelatch strictness --config my-door.json', 'facelatch strictness --set identity.targetFmr=0.001    # what would it be?'],
    'shown',
  );
  return withCommon(command).action((options: CommonOptions) => {
    const { config } = configOf(options);
    checkState(config);
    const found = strictnessOf(config);
    print(options, jsonOf(found), () => textOf(found));
    exit(exitCodes.yes);
  });
}

function strictnessOf(config: Config): Strictness {
  const embedder = embedderOf(config);
  const { targetFmr, policy } = config.identity;
  using vault = vaultOf(config);
  using gallery = galleryOf(config, embedder, vault);
  const enrolled = gallery.enrolled();
  const targets = [...new Set([...otherRates, targetFmr])].sort((a, b) => b - a);
  const threshold = thresholdOf(config, embedder, enrolled);
  return {
    ...{ embedder, targetFmr },
    people: gallery.list().length,
    unrecognised: gallery.unrecognised.map((id) => gallery.find(id)?.name ?? id),
    threshold: threshold.now,
    at: policy === 'paper' ? [] : targets.map((rate) => ({ targetFmr: rate, threshold: threshold.at(rate) })),
  };
}

function jsonOf({ embedder, threshold, at, ...rest }: Strictness): object {
  const missing = missingTexts(embedder);
  return {
    ...rest,
    ...threshold,
    at: at.map(({ targetFmr, threshold: { fmr, logit, extrapolated } }) => ({ targetFmr, fmr, logit, extrapolated })),
    ...(missing.length > 0 && { missing }),
  };
}

function textOf({ embedder, targetFmr, people: enrolled, unrecognised, threshold, at }: Strictness): string {
  const { policy, detection, verification, extrapolated } = threshold;
  if (policy === 'paper')
    return `identity.policy is "paper": a picture counts above probability ${detection}, and ${verification} of a person's pictures must count. No rate of wrong accepts is kept.`;
  const missing = missingTexts(embedder);
  return [
    `${people(enrolled)} enrolled. Of strangers' attempts at most ${oneIn(targetFmr)} is let in (identity.targetFmr ${targetFmr}).`,
    ...(unrecognised.length > 0
      ? [`Without a template of this embedder, so not counted: ${unrecognised.join(', ')}. See facelatch doctor.`]
      : []),
    '',
    table(layerRows(threshold)),
    '',
    table([
      ['wrong accepts', 'of one comparison', 'likeness', ''],
      ...at.map(({ targetFmr: rate, threshold: { fmr, logit } }) => [
        oneIn(rate),
        oneIn(fmr),
        logit.toFixed(2),
        rate === targetFmr ? '<- in force' : '',
      ]),
    ]),
    '',
    ...(embedder.calibration ? [curveText(embedder.calibration, threshold.logit), ''] : []),
    `Likeness is the network's logit: a face counts as the person at or above the threshold, ${threshold.logit.toFixed(2)}.`,
    ...(extrapolated
      ? ['The calibration table ends before this rate: it is continued by its last slope, so treat the rate as an estimate (extrapolated).']
      : []),
    ...missing.map((text) => `Note: ${text}.`),
  ].join('\n');
}
