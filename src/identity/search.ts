/**
 * The 1:N search in memory: people with their templates go in, and for each probe the people come out ranked by
 * likeness.
 */
import { Fault } from '../base/errors.ts';
import type { PersonId } from '../events.ts';
import type { EmbedderInfo, Embedding } from '../face/port.ts';
import type { Match } from './port.ts';
import { logitOfProbability, probabilityOf, type TemplateMatrix, templateMatrix } from './siamese.ts';

interface Searched {
  readonly id: PersonId;
  readonly templates: readonly Embedding[];
}

export interface Search {
  /** Templates held. */
  readonly count: number;
  /** Replaces everything; each person has at least one template. */
  load(people: readonly Searched[]): void;
  /** Replaces what is held of these people; who has no template now is no longer held. */
  change(people: readonly Searched[]): void;
  /** At most `atMost` people, the most alike first; equal ones in the order in which they are held. */
  match(probe: Embedding, atMost?: number): Match[];
}

interface State {
  readonly matrix: TemplateMatrix;
  /** A person's place is the index of their id. */
  readonly ids: PersonId[];
  readonly places: Map<PersonId, number>;
  /** The rows in the matrix of the person at each place, in no order. */
  readonly rows: number[][];
  /** The place of the person whom each row is of. */
  readonly owners: number[];
  best: Float32Array;
}

/**
 * An empty search under the embedder's head. `detection`: probability above which a template counts for a person's
 * share, 0…1.
 */
export function gallerySearch(embedder: EmbedderInfo, detection: number): Search {
  const state: State = {
    ...{ matrix: templateMatrix(embedder.head, embedder.dimension), ids: [], places: new Map(), rows: [], owners: [] },
    best: new Float32Array(0),
  };
  const { matrix, ids } = state;
  const detectionLogit = logitOfProbability(detection);

  const matchOf = (place: number, logits: Float32Array): Match => {
    const logit = state.best[place] ?? 0;
    const own = state.rows[place] ?? [];
    const share = own.reduce((count, row) => count + ((logits[row] ?? 0) > detectionLogit ? 1 : 0), 0) / own.length;
    return { personId: ids[place] ?? '', logit, probability: probabilityOf(logit), share };
  };

  return {
    get count() {
      return matrix.count;
    },
    load: (people) => {
      loadAll(state, people);
      state.best = new Float32Array(ids.length);
    },
    change: (people) => {
      for (const person of people) replace(state, person);
      state.best = new Float32Array(ids.length);
    },
    match: (probe, atMost = ids.length) => {
      checkEmbedding(embedder, probe);
      const logits = matrix.score(probe);
      bestOfEach(logits, state);
      return ranked(state.best, atMost).map((place) => matchOf(place, logits));
    },
  };
}

function loadAll({ matrix, ids, places, rows, owners }: State, people: readonly Searched[]): void {
  matrix.load(people.flatMap(({ templates }) => templates));
  for (const list of [ids, rows, owners]) list.length = 0;
  places.clear();
  people.forEach(({ id, templates }, place) => {
    ids.push(id);
    places.set(id, place);
    rows.push(templates.map((_, i) => owners.length + i));
    for (const _ of templates) owners.push(place);
  });
}

function replace(state: State, { id, templates }: Searched): void {
  const { matrix, ids, places, rows, owners } = state;
  const known = places.get(id);
  if (known === undefined && templates.length === 0) return;
  const place = known ?? ids.length;
  if (known === undefined) {
    ids.push(id);
    places.set(id, place);
    rows.push([]);
  }
  // Those of a row's person are in no order, so the highest rows go first: the row that moves is then another person's.
  for (const row of (rows[place] ?? []).toSorted((a, b) => b - a)) dropRow(state, row);
  rows[place] = templates.map((template) => {
    matrix.put(owners.length, template);
    return owners.push(place) - 1;
  });
  if (templates.length === 0) dropPlace(state, place);
}

function dropRow({ matrix, rows, owners }: State, row: number): void {
  matrix.drop(row);
  const last = owners.length - 1;
  const owner = owners.pop() ?? 0;
  if (row === last) return;
  owners[row] = owner;
  rows[owner] = (rows[owner] ?? []).map((one) => (one === last ? row : one));
}

/** Of a person without rows; the last person moves to it. */
function dropPlace({ ids, places, rows, owners }: State, place: number): void {
  places.delete(ids[place] ?? '');
  const [id, own] = [ids.pop() ?? '', rows.pop() ?? []];
  if (place === ids.length) return;
  ids[place] = id;
  places.set(id, place);
  rows[place] = own;
  for (const row of own) owners[row] = place;
}

/** Throws Fault `model-unfit` unless `embedding` is a unit vector of the embedder's dimension. */
export function checkEmbedding(embedder: EmbedderInfo, embedding: Embedding): void {
  let squares = 0;
  for (const value of embedding) squares += value * value;
  if (embedding.length === embedder.dimension && Math.abs(squares - 1) < 1e-2) return;
  throw new Fault(
    'model-unfit',
    `The embedder ${embedder.name} should give ${embedder.dimension} numbers of length 1, it gave ${embedding.length} of length ${Math.sqrt(squares).toPrecision(3)}: check normalise and dimension in its manifest.`,
  );
}

function bestOfEach(logits: Float32Array, { owners, best }: State): void {
  best.fill(Number.NEGATIVE_INFINITY);
  for (let row = 0; row < logits.length; row++) {
    const owner = owners[row] ?? 0;
    const logit = logits[row] ?? 0;
    if (logit > (best[owner] ?? 0)) best[owner] = logit;
  }
}

/** Indices of the `atMost` largest values, the largest first. */
function ranked(values: Float32Array, atMost: number): number[] {
  if (atMost >= values.length) {
    return Array.from(values.keys()).sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0));
  }
  const top: number[] = [];
  let lowest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? lowest;
    if (top.length >= atMost && !(value > lowest)) continue;
    let place = top.length;
    while (place > 0 && (values[top[place - 1] ?? 0] ?? 0) < value) place--;
    top.splice(place, 0, i);
    if (top.length > atMost) top.pop();
    if (top.length === atMost) lowest = values[top[atMost - 1] ?? 0] ?? lowest;
  }
  return top;
}
