/** A training job for people: how it stands in, lines out. */
import type { JobStatus } from '../../retrain/port.ts';

export function jobText({ recipe, where, by, state, progress, startedAt, endedAt, bundle, detail }: JobStatus): string {
  return [
    `${state}: ${recipe} at the ${where}, for ${by}, ${startedAt}${endedAt === undefined ? '' : ` to ${endedAt}`}`,
    ...(endedAt === undefined && progress
      ? [`${progress.stage}: ${progress.done} of ${progress.total}${figuresText(progress.figures)}`]
      : []),
    ...(detail === undefined ? [] : [detail]),
    ...(bundle === undefined ? [] : [`network ${bundle.slice(0, 12)}: "facelatch models show ${bundle.slice(0, 12)}"`]),
  ].join('\n');
}

const figuresText = (figures: Readonly<Record<string, number>> = {}): string =>
  Object.entries(figures)
    .map(([name, value]) => ` · ${name} ${value.toPrecision(4)}`)
    .join('');
