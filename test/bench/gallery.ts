/**
 * How long a change of the people holds the deciding thread, at a door with 1,000 people of five templates: enrolled,
 * renamed, given another picture, removed; by the door itself and by another connection, as another process has one.
 * And how much of the start is opening what is sealed.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shippedStrangers } from '../../src/adapters/basics.ts';
import { rowSeal } from '../../src/base/data/row-seal.ts';
import { systemClock } from '../../src/base/time.ts';
import { quantile, type Row } from '../../src/cli/door/figures.ts';
import type { Embedding } from '../../src/face/port.ts';
import type { Gallery, NewPicture } from '../../src/identity/port.ts';
import { openGallery } from '../../src/identity/sqlite.ts';
import { loadConfig } from '../../src/settings/load.ts';
import type { Vault } from '../../src/vault/port.ts';
import { searchFolder } from '../../src/vault/shredding.ts';
import { vaultBeside } from '../fakes/vault.ts';
import { embedderInfo, randomEmbeddings } from './match.ts';

const people = 1000;
const templatesEach = 5;
const rounds = 40;

export async function benchGallery(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'facelatch-bench-'));
  const embedder = embedderInfo();
  using vault = vaultBeside(join(folder, 'people'));
  const open = () =>
    openGallery({
      vault,
      ...{ file: join(folder, 'people.sqlite'), embedder, policy: loadConfig({}).config.identity, clock: systemClock },
      seal: { rows: rowSeal(Buffer.alloc(32, 7), 'bench'), begun: true, begin: () => undefined },
      strangers: () => shippedStrangers(embedder),
    });
  const embeddings = randomEmbeddings((people + rounds * 2) * (templatesEach + 1), embedder.dimension);
  try {
    using door = open();
    for (let i = 0; i < people; i++) door.enrol({ name: `Resident ${i}`, pictures: somePictures(embeddings.splice(0, templatesEach)) });
    using other = open();
    readAll(door, other);
    return [
      openingRow(open),
      listRow(readAll(door, other)),
      ...(await rowsOf('by the door', door, door, embeddings, (_, work) => timed(work))),
      ...(await rowsOf('by another process', other, door, embeddings, (gallery, work) => {
        work();
        return timed(() => gallery.refresh());
      })),
      ...removalRows(vault, folder, door),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Nothing of the file is left to be read: whoever opens it or empties its log makes the others look through it. */
function readAll(door: Gallery, other: Gallery): Gallery {
  do for (const one of [door, other]) one.refresh();
  while (door.unread || other.unread);
  return door;
}

function openingRow(open: () => Gallery): Row {
  const perPerson = Array.from({ length: 5 }, () => {
    const from = process.cpuUsage();
    using _ = open();
    const { user, system } = process.cpuUsage(from);
    return (user + system) / 1000 / people;
  });
  return {
    what: 'the people are opened at the start, for each person (processor time)',
    value: quantile(perPerson, 0.5),
    unit: 'ms',
    target: 1,
  };
}

/** Where nothing has changed; after a change of the door's own it is sorted again, in some of the rounds. */
function listRow(door: Gallery): Row {
  const took = Array.from({ length: rounds }, (_, n) => {
    if (n % 10 === 0) door.rename(door.ids()[n] ?? '', `Renamed ${n}`);
    return timed(() => door.list());
  });
  return {
    what: `${people.toLocaleString('en')} people listed: the door stands still, p95`,
    value: quantile(took, 0.95),
    unit: 'ms',
    target: 5,
  };
}

/** What a removal takes besides the rows: the key, and the search of every file for pieces of five pictures. */
function removalRows(vault: Vault, folder: string, door: Gallery): readonly Row[] {
  const [keys, next, slices]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < rounds; round++) {
    keys.push(timed(() => vault.destroy([{ person: `visitor-${round}` }])));
    next.push(timed(() => vault.destroy([{ person: `next-${round}` }])));
    for (let isSettled = false; !isSettled; ) slices.push(timed(() => (isSettled = vault.settle() !== 'more')));
  }
  const [someone] = door.list();
  const plain = someone ? door.pictures(someone.id).flatMap(({ picture }) => picture ?? []) : [];
  const from = process.cpuUsage();
  const { bytes } = searchFolder(folder, { plain, names: [someone?.name ?? ''], sealed: plain.map(({ length }) => randomBytes(length)) });
  const { user, system } = process.cpuUsage(from);
  const ofKeys = `one of ${people.toLocaleString('en')} keys`;
  return [
    { what: `${ofKeys} destroyed: the door stands still, p95`, value: quantile(keys, 0.95), unit: 'ms', target: 5 },
    { what: `${ofKeys} destroyed right after another: the door stands still, p95`, value: quantile(next, 0.95), unit: 'ms', target: 5 },
    { what: `${ofKeys} destroyed: some of the others wrapped again, p95`, value: quantile(slices, 0.95), unit: 'ms', target: 5 },
    {
      what: `every file searched for a removed person, ${Math.round(bytes / 1e6)} MB (processor time)`,
      value: (user + system) / 1e6,
      unit: 's',
      target: 2,
    },
  ];
}

const timed = (work: () => unknown): number => {
  const fromMs = performance.now();
  work();
  return performance.now() - fromMs;
};

const somePictures = (templates: readonly Embedding[]): NewPicture[] =>
  templates.map((template) => ({ picture: randomBytes(20_000), template, source: 'bench' }));

/** `writer` changes the people, `door` is what must not stand still; `measure` gives the milliseconds that it did. */
async function rowsOf(
  by: string,
  writer: Gallery,
  door: Gallery,
  embeddings: Embedding[],
  measure: (door: Gallery, work: () => void) => number,
): Promise<Row[]> {
  const took: Record<string, number[]> = { enrolled: [], renamed: [], 'given a picture': [], removed: [], 'after it': [] };
  for (let round = 0; round < rounds; round++) {
    const [name, pictures] = [`Visitor ${round}`, somePictures(embeddings.splice(0, templatesEach))];
    let id = '';
    const steps: readonly [string, () => void][] = [
      [
        'enrolled',
        () => {
          id = writer.enrol({ name, pictures }).id;
        },
      ],
      ['renamed', () => void writer.rename(id, `${name} again`)],
      ['given a picture', () => void writer.enrol({ name: `${name} again`, pictures: somePictures(embeddings.splice(0, 1)) })],
      ['removed', () => void writer.forget(id)],
    ];
    for (const [step, work] of steps) {
      took[step]?.push(measure(door, work));
      do took['after it']?.push(timed(() => door.refresh()));
      while (door.unread);
    }
  }
  return Object.entries(took).map(([step, values]) => ({
    what: `one of ${people.toLocaleString('en')} people ${step}, ${by}: the door stands still, p95`,
    value: quantile(values, 0.95),
    unit: 'ms',
    target: 5,
    baseline: { what: 'p50', value: quantile(values, 0.5) },
  }));
}
