/**
 * Line plots as SVG. In: series of points, with intervals where they have any. Out: one self-contained picture, or one
 * in the colours of the page it lies in.
 */

export interface Series {
  readonly name: string;
  readonly points: readonly PlotPoint[];
}

export interface PlotPoint {
  readonly x: number;
  readonly y: number;
  /** Ends of a vertical bar. */
  readonly interval?: readonly [number, number];
}

export interface Plot {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  /** Ends of the vertical axis. Default: those of the points. */
  readonly range?: readonly [number, number];
  readonly series: readonly Series[];
  /**
   * Marks on the axes, for scales without even steps (a logarithm, a normal deviate); they are then also the ends of
   * the axis.
   */
  readonly ticks?: { readonly x?: readonly Tick[]; readonly y?: readonly Tick[] };
}

export interface Tick {
  readonly at: number;
  readonly label: string;
}

/**
 * `picture`: black on white, for a file. `page`: on the ground of the page, light or dark, in the colour of its text.
 */
export type PlotStyle = 'picture' | 'page';

const inks = {
  picture: { text: 'black', axis: '#333', grid: '#ddd' },
  page: { text: 'currentColor', axis: 'currentColor', grid: 'var(--grid)' },
} as const;

const [width, height] = [640, 360] as const;
// Right: half of the widest label, which stands in the middle below its mark.
const frame = { left: 60, right: 28, top: 36, bottom: 76 } as const;
// Okabe, Ito 2008: colour-blind readers can tell them apart too.
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'] as const;

/** The plot as an SVG document. */
export function plotSvg(plot: Plot, style: PlotStyle = 'picture'): string {
  const ink = inks[style];
  const points = plot.series.flatMap(({ points: all }) => all);
  const [x0, x1] = ends(
    (plot.ticks?.x ?? []).map(({ at }) => at),
    () => points.map(({ x }) => x),
  );
  const [y0, y1] =
    plot.range ??
    ends(
      (plot.ticks?.y ?? []).map(({ at }) => at),
      () => points.flatMap(({ y, interval }) => [y, ...(interval ?? [])]),
    );
  const x = (value: number) => frame.left + ((value - x0) / (x1 - x0)) * (width - frame.left - frame.right);
  const y = (value: number) => height - frame.bottom - ((value - y0) / (y1 - y0)) * (height - frame.top - frame.bottom);
  const middle = (frame.left + width - frame.right) / 2;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" fill="${ink.text}">`,
    `<title>${escaped(plot.title)}</title>`,
    ...(style === 'picture' ? [`<rect width="${width}" height="${height}" fill="white"/>`] : []),
    text(middle, 20, plot.title, 'middle', 'font-size="14"'),
    ...(plot.ticks?.y ?? ticks(y0, y1)).flatMap(({ at, label }) => [
      line(frame.left, y(at), width - frame.right, y(at), ink.grid),
      text(frame.left - 6, y(at) + 4, label, 'end'),
    ]),
    ...(
      plot.ticks?.x ??
      ticks(
        x0,
        x1,
        points.every(({ x: at }) => Number.isInteger(at)),
      )
    ).flatMap(({ at, label }) => [
      line(x(at), height - frame.bottom, x(at), height - frame.bottom + 4, ink.axis),
      text(x(at), height - frame.bottom + 18, label, 'middle'),
    ]),
    line(frame.left, height - frame.bottom, width - frame.right, height - frame.bottom, ink.axis),
    text(middle, height - frame.bottom + 36, plot.x, 'middle'),
    `<text x="14" y="${height / 2 - 20}" text-anchor="middle" transform="rotate(-90 14 ${height / 2 - 20})">${escaped(plot.y)}</text>`,
    ...plot.series.flatMap((series, index) => drawn(series, index, x, y)),
    ...plot.series.map(({ name }, index) => {
      const left = frame.left + index * ((width - frame.left) / plot.series.length);
      return `<circle cx="${left}" cy="${height - 14}" r="5" fill="${colour(index)}"/>${text(left + 9, height - 10, name, 'start')}`;
    }),
    '</svg>',
    '',
  ].join('\n');
}

function drawn({ points }: Series, index: number, x: (value: number) => number, y: (value: number) => number): string[] {
  const shift = points.some(({ interval }) => interval) ? 3 * index : 0; // bars at one place must not hide each other
  const path = points.map((point) => `${place(x(point.x) + shift)},${place(y(point.y))}`).join(' ');
  return [
    `<polyline points="${path}" fill="none" stroke="${colour(index)}" stroke-width="1.5"/>`,
    ...points.flatMap((point) => [
      ...(point.interval ? [line(x(point.x) + shift, y(point.interval[0]), x(point.x) + shift, y(point.interval[1]), colour(index))] : []),
      ...(points.length <= 60
        ? [`<circle cx="${place(x(point.x) + shift)}" cy="${place(y(point.y))}" r="3" fill="${colour(index)}"/>`]
        : []),
    ]),
  ];
}

const colour = (index: number) => colours[index % colours.length] as string;
const place = (value: number) => value.toFixed(1);
const line = (x1: number, y1: number, x2: number, y2: number, stroke: string) =>
  `<line x1="${place(x1)}" y1="${place(y1)}" x2="${place(x2)}" y2="${place(y2)}" stroke="${stroke}"/>`;
const text = (x: number, y: number, content: string, anchor: string, more = '') =>
  `<text x="${place(x)}" y="${place(y)}" text-anchor="${anchor}" ${more}>${escaped(content)}</text>`;
const escaped = (content: string) => content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function ends(marks: readonly number[], values: () => readonly number[]): [number, number] {
  const finite = (marks.length > 1 ? marks : values()).filter(Number.isFinite);
  if (finite.length === 0) return [0, 1];
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

/**
 * At most ten round numbers between the ends: steps of 1, 2 or 5 times a power of ten. Whole numbers for points at
 * whole numbers.
 */
function ticks(low: number, high: number, whole = false): Tick[] {
  const rough = (high - low) / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const even = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const step = whole ? Math.max(1, even) : even;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, index) => {
    const at = (first + index) * step;
    return { at, label: String(Number(at.toPrecision(6))) };
  });
}
