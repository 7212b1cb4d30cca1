/**
 * What a person's own visits bring: clips of people who come more than once go in; how many of their visits, and of the
 * attacks with their pictures that the networks let through, are unlike their own visits comes out. A visit is one frame
 * for each network, in turn. Who is who says the embedder; an attack's victim is the person whom it resembles most.
 */
import type { Row } from '../../src/cli/door/figures.ts';
import type { Embedding } from '../../src/face/port.ts';
import { knownLive, type LiveVisit, viewsOf } from '../../src/liveness/known.ts';
import type { FrameEvidence } from '../../src/liveness/port.ts';

export interface SeenClip {
  readonly frames: readonly FrameEvidence[];
  readonly face: Embedding;
}

/** A visit, its clip, and its score. */
interface Visit {
  readonly frames: readonly FrameEvidence[];
  readonly of: SeenClip;
  readonly kept: LiveVisit;
  readonly logit: number;
}

interface Person {
  readonly id: string;
  readonly clips: readonly SeenClip[];
  readonly visits: readonly Visit[];
}

/** Faces of one person are at least so alike on average. In those sets 20, 20 and 30 people come out, as they have. */
const alike = 0.5;

/** Undefined: too few visits of the person are known. */
const isUnlike = (visit: Visit, { id }: Person, known: readonly Visit[], networks: number): boolean | undefined =>
  known.length < 5
    ? undefined
    : knownLive(
        known.map(({ kept }) => kept),
        networks,
      ).isUnlike?.(visit.frames, id);

export function ownVisitRows(set: string, clips: ReadonlyMap<string, readonly SeenClip[]>, networks: number): Row[] {
  const people = peopleOf(clips.get('live') ?? [], networks);
  const own = people.flatMap((person) =>
    person.visits.map((visit) => {
      const others = person.visits.filter((other) => other !== visit);
      const elsewhere = others.filter(({ of }) => of !== visit.of);
      return [isUnlike(visit, person, others, networks), isUnlike(visit, person, elsewhere, networks)] as const;
    }),
  );
  if (own.every(([all]) => all === undefined)) return [];
  const rows = [
    ...shareRow(
      `${set}: living visits unlike the person's own`,
      own.map(([all]) => all),
    ),
    ...shareRow(
      `${set}: … where those of the other clips alone are known`,
      own.map(([, elsewhere]) => elsewhere),
    ),
  ];
  for (const [instrument, attacks] of clips) {
    if (instrument === 'live') continue;
    const passed = attacks.flatMap((clip) => {
      const victim = nearest(people, clip.face);
      return visitsOf(clip, victim.id, networks)
        .filter(({ logit }) => logit >= 0)
        .map((visit) => isUnlike(visit, victim, victim.visits, networks));
    });
    rows.push(...shareRow(`${set}: ${instrument} that the networks let through and that is unlike`, passed));
  }
  return rows;
}

function shareRow(what: string, found: readonly (boolean | undefined)[]): Row[] {
  const known = found.filter((one) => one !== undefined);
  const hits = known.filter(Boolean).length;
  return known.length === 0 ? [] : [{ what: `${what} (${hits} of ${known.length})`, value: (100 * hits) / known.length, unit: '%' }];
}

function visitsOf(clip: SeenClip, personId: string, networks: number): Visit[] {
  const visits: Visit[] = [];
  for (let i = 0; i + networks <= clip.frames.length; i += networks) {
    const frames = clip.frames.slice(i, i + networks);
    const views = viewsOf(frames);
    visits.push({ frames, of: clip, kept: { personId, views }, logit: views.reduce((sum, { logit }) => sum + logit / networks, 0) });
  }
  return visits;
}

/** The two groups whose faces are most alike on average become one, until none are alike. */
function peopleOf(live: readonly SeenClip[], networks: number): Person[] {
  const groups = live.map((clip) => [clip]);
  for (;;) {
    let best: { readonly a: number; readonly b: number; readonly likeness: number } | undefined;
    for (let a = 0; a < groups.length; a++)
      for (let b = 0; b < a; b++) {
        const likeness = likenessOf(groups[a] ?? [], groups[b] ?? []);
        if (likeness >= Math.max(alike, best?.likeness ?? 0)) best = { a, b, likeness };
      }
    if (!best) break;
    groups[best.b]?.push(...(groups[best.a] ?? []));
    groups.splice(best.a, 1);
  }
  return groups.map((clips, at) => ({ id: `${at}`, clips, visits: clips.flatMap((clip) => visitsOf(clip, `${at}`, networks)) }));
}

const likenessOf = (a: readonly SeenClip[], b: readonly SeenClip[]): number =>
  a.reduce((sum, one) => sum + b.reduce((own, other) => own + cosine(one.face, other.face), 0), 0) / (a.length * b.length);

const nearest = (people: readonly Person[], face: Embedding): Person =>
  people.reduce((best, person) =>
    likenessOf(person.clips, [{ frames: [], face }]) > likenessOf(best.clips, [{ frames: [], face }]) ? person : best,
  );

const cosine = (a: Embedding, b: Embedding): number => a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
