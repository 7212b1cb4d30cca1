/**
 * The timeline as a table for spreadsheets (RFC 4180): pages of `timeline.page` go in, lines come out as fast as the
 * browser takes them. A text that a spreadsheet would take for a formula is made a text.
 */
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { Compile, type Static, Type } from '../../base/schema.ts';
import type { AskedHouse } from '../asking.ts';
import { callerIn } from '../authentication.ts';
import type { Asker } from '../port.ts';
import type { RecordEvent } from '../record.ts';
import { TurnedAway } from '../refusal.ts';
import { refusedForm } from './refused-form.ts';

const query = Type.Object(
  {
    show: Type.Optional(Type.String({ pattern: '^[a-z,]{1,100}$', description: 'As of timeline.page, with commas.' })),
    reasons: Type.Optional(Type.String({ pattern: '^[a-z,-]{1,400}$', description: 'As of timeline.page, with commas.' })),
    person: Type.Optional(Type.String({ maxLength: 64 })),
    since: Type.Optional(Type.String({ maxLength: 40 })),
    until: Type.Optional(Type.String({ maxLength: 40 })),
  },
  { additionalProperties: false },
);
type Query = Static<typeof query>;

const page = Compile(
  Type.Object({
    entries: Type.Array(
      Type.Object({
        seq: Type.Integer(),
        at: Type.String(),
        event: Type.Record(Type.String(), Type.Unknown()),
        pictures: Type.Integer(),
        mark: Type.Optional(Type.Object({ as: Type.String(), by: Type.String() })),
      }),
    ),
    names: Type.Record(Type.String(), Type.String()),
    next: Type.Optional(Type.Integer()),
  }),
);
type Page = ReturnType<(typeof page)['Parse']>;
type Entry = Page['entries'][number];

const rowsPerPage = 200;
/** While others look into the journal. */
const againMs = 500;
/** In a row, before the file ends. */
const mostBusy = 60;

/** One export at a time: each keeps the thread that reads the journal. */
export function timelineCsvRoute(
  app: FastifyInstance,
  { house, record }: { readonly house: AskedHouse; readonly record: RecordEvent },
): void {
  const underWay = { exports: 0 };
  app.get<{ Querystring: Query }>(
    '/timeline.csv',
    {
      config: { role: 'operator', rateLimit: { max: 10, timeWindow: 60_000 } },
      schema: {
        ...{ summary: 'The timeline as a table, the newest entry first.', operationId: 'timeline.csv', tags: ['timeline'] },
        description: 'CSV in UTF-8, with a head. Role: operator.',
        querystring: query,
        response: { 200: Type.String({ description: 'text/csv' }), default: refusedForm },
      },
    },
    async (request, reply) => {
      if (underWay.exports > 0) throw new TurnedAway(429, 'slow-down', 'Another export is under way: wait for its end', 10);
      underWay.exports++;
      const args = argsOf(request.query);
      const caller = callerIn(request);
      const lines = linesOf(house, caller, args);
      // The first lines before the head of the answer: what is refused is told as an error, and not in a file.
      const first = await lines.next().catch((error: unknown) => {
        underWay.exports--;
        throw error;
      });
      record({ kind: 'console.exported', name: caller.name, address: request.site.address });
      const body = Readable.from(
        (async function* () {
          yield first.value ?? '';
          yield* lines;
        })(),
      );
      body.once('close', () => {
        underWay.exports--;
      });
      return await reply
        .header('cache-control', 'no-store')
        .header('content-disposition', 'attachment; filename="facelatch-timeline.csv"')
        .type('text/csv; charset=utf-8')
        .send(body);
    },
  );
}

const listed = (text: string | undefined): string[] | undefined => text?.split(',').filter((each) => each !== '');

function argsOf({ show, reasons, ...rest }: Query): object {
  const [shown, reasonList] = [listed(show), listed(reasons)];
  return { ...rest, ...(shown && { show: shown }), ...(reasonList && { reasons: reasonList }), limit: rowsPerPage };
}

async function* linesOf(house: AskedHouse, caller: Asker, args: object): AsyncGenerator<string> {
  let head = `\ufeff${csvLine(columns.map(([name]) => name))}`; // the mark tells Excel that it is UTF-8
  for (let before: number | undefined, busy = 0; ; ) {
    const answered = await house.ask('timeline.page', { ...args, ...(before !== undefined && { before }) }, caller);
    if (!answered.ok && answered.error.code === 'busy' && ++busy < mostBusy) {
      await sleep(againMs);
      continue;
    }
    if (!answered.ok) throw new TurnedAway(answered.error.code === 'role' ? 403 : 503, 'unavailable', answered.error.message);
    busy = 0;
    const found = page.Parse(answered.result);
    yield head + found.entries.map((entry) => csvLine(columns.map(([, of]) => of(entry, found.names)))).join('');
    head = '';
    if (found.next === undefined) return;
    before = found.next;
  }
}

type Cell = string | number | undefined;

const columns: readonly (readonly [string, (entry: Entry, names: Page['names']) => Cell])[] = [
  ['seq', ({ seq }) => seq],
  ['at', ({ at }) => at],
  ['kind', ({ event }) => textIn(event, 'kind')],
  ['person', ({ event }, names) => names[textIn(event, 'personId') ?? ''] ?? textIn(event, 'personId')],
  ['most alike', ({ event }, names) => names[textIn(event, 'bestPersonId') ?? ''] ?? textIn(event, 'bestPersonId')],
  ['reason', ({ event }) => textIn(event, 'reason')],
  ['detail', ({ event }) => textIn(event, 'detail')],
  ['likeness', ({ event }) => numberIn(event.likeness, 'logit')],
  ['threshold', ({ event }) => numberIn(event.threshold, 'logit')],
  ['liveness', ({ event }) => textIn(event.liveness, 'verdict')],
  ['pictures', ({ pictures }) => pictures],
  ['mark', ({ mark }) => mark?.as],
  ['marked by', ({ mark }) => mark?.by],
];

const fieldIn = (object: unknown, name: string): unknown =>
  typeof object === 'object' && object !== null && Object.hasOwn(object, name) ? Reflect.get(object, name) : undefined;
const textIn = (object: unknown, name: string): string | undefined => {
  const value = fieldIn(object, name);
  return typeof value === 'string' ? value : undefined;
};
const numberIn = (object: unknown, name: string): number | undefined => {
  const value = fieldIn(object, name);
  return typeof value === 'number' ? value : undefined;
};

/** Spreadsheets take a cell for a formula that begins with one of these (OWASP, CSV Injection), also after spaces. */
const formula = /^[\s\u00a0\ufeff]*[=+\-@＝＋－＠|%]|^[\t\r\n]/u;

/** One line. A text that would be a formula gets an apostrophe; numbers stay numbers. */
export function csvLine(cells: readonly Cell[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`;
}

function csvCell(cell: Cell): string {
  if (cell === undefined) return '';
  if (typeof cell === 'number') return String(cell);
  const text = formula.test(cell) ? `'${cell}` : cell;
  return /["',\r\n\t;]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text;
}
