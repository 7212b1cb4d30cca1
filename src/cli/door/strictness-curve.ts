/** A curve for the terminal: false-match rate, one row a power of ten, against likeness. */
import type { EmbedderInfo } from '../../face/port.ts';
import { curvesOf } from '../../identity/threshold.ts';

const width = 64;
const [most, least] = [-1, -7];

/** `*` the strict table (or the only one), `o` that of strangers, `|` the threshold. */
export function curveText(calibration: NonNullable<EmbedderInfo['calibration']>, thresholdLogit: number): string {
  const { strict, wild } = curvesOf(calibration);
  const drawn = [strict, ...(wild ? [wild] : [])];
  const ends = drawn.flatMap((curve) => [curve.logitAt(10 ** most).logit, curve.logitAt(10 ** least).logit]);
  const [low, high] = [Math.floor(Math.min(...ends, thresholdLogit)) - 1, Math.ceil(Math.max(...ends, thresholdLogit)) + 1];
  const column = (logit: number): number => Math.round(((logit - low) / (high - low)) * (width - 1));
  const rows = Array.from({ length: 2 * (most - least) + 1 }, (_, i) => {
    const power = most - i / 2;
    const cells = new Array<string>(width).fill(' ');
    cells[column(thresholdLogit)] = '|';
    drawn.toReversed().forEach((curve) => {
      cells[column(curve.logitAt(10 ** power).logit)] = curve === strict ? '*' : 'o';
    });
    return `${(i % 2 === 0 ? `1 in ${(10 ** -power).toLocaleString('en')}` : '').padStart(15)} ${cells.join('').trimEnd()}`;
  });
  const scale = `${''.padStart(16)}${String(low)}${String(high).padStart(width - String(low).length)}`;
  return [
    ...rows,
    scale,
    `${''.padStart(16)}* ${wild ? 'strict table   o strangers of photographs' : 'calibration table'}   | threshold`,
  ].join('\n');
}
