/** The book of the demo: who really came and what the door did, visit by visit. */

import type { Observation } from '../../access/port.ts';
import type { Scene } from '../../camera/port.ts';
import type { Denial, Event } from '../../events.ts';

export interface VisitRow {
  /** `picture`: nobody came; a picture of somebody enrolled was held before the camera. */
  readonly who: 'enrolled' | 'stranger' | 'enrolled and stranger' | 'picture' | 'nobody';
  readonly manner: string;
  readonly visits: number;
  readonly opened: number;
  readonly shut: number;
  /** Visits in which somebody was asked to show that they are alive. */
  readonly challenged: number;
  /** Reasons of the denials, and in how many visits each was given. */
  readonly denied: Readonly<Partial<Record<Denial, number>>>;
}

export interface VisitsResult {
  readonly visits: number;
  /** Opened for somebody who should not have been let in. */
  readonly wronglyOpened: number;
  /** Stayed shut before a single enrolled person. */
  readonly wronglyShut: number;
  readonly rows: readonly VisitRow[];
  /** The visits at which the door was wrong, and what it did. */
  readonly mistakes: readonly {
    readonly visit: number;
    readonly people: readonly string[];
    readonly manner: string;
    readonly door: string;
  }[];
}

interface Visit {
  readonly scene: Scene;
  granted: string[];
  denied: Denial[];
  challenged: number;
}

export interface Visits {
  moment(moment: Observation): void;
  event(event: Event): void;
  result(): VisitsResult;
  table(): string;
}

const noVisits = { visits: 0, opened: 0, shut: 0, challenged: 0, denied: {} };

function withVisit(row: VisitRow, { granted, denied, challenged }: Visit): VisitRow {
  const opened = granted.length > 0;
  const reasons = [...new Set(denied)].map((reason) => [reason, (row.denied[reason] ?? 0) + 1] as const);
  return {
    ...row,
    visits: row.visits + 1,
    opened: row.opened + (opened ? 1 : 0),
    shut: row.shut + (opened ? 0 : 1),
    challenged: row.challenged + (challenged > 0 ? 1 : 0),
    denied: { ...row.denied, ...Object.fromEntries(reasons) },
  };
}

const reasonsOf = ({ denied }: VisitRow): string =>
  Object.entries(denied)
    .map(([reason, visits]) => `${reason} ${visits}`)
    .join(', ');

/** Keeps the book. `enrolled`: names; `nameOf` turns a person id into a name. */
export function openVisits(enrolled: readonly string[], nameOf: (personId: string) => string): Visits {
  const visits = new Map<number, Visit>();
  const pending = new Map<number, Event[]>();

  const apply = (visit: Visit, event: Event) => {
    if (event.kind === 'access.granted') visit.granted.push(nameOf(event.personId));
    if (event.kind === 'access.denied') visit.denied.push(event.reason);
    if (event.kind === 'access.challenged') visit.challenged++;
  };
  const whoOf = ({ people }: Scene): VisitRow['who'] => {
    const known = people.filter((name) => enrolled.includes(name)).length;
    if (people.length === 0) return 'nobody';
    if (people.some((name) => name.startsWith('picture:'))) return 'picture';
    if (known === people.length) return 'enrolled';
    return known > 0 ? 'enrolled and stranger' : 'stranger';
  };
  const mayOpen = ({ people }: Scene) => people.length === 1 && enrolled.includes(people[0] ?? '');
  const wronglyOpened = ({ scene, granted }: Visit) =>
    granted.length > 0 && !(mayOpen(scene) && granted.every((name) => name === scene.people[0]));
  const wronglyShut = ({ scene, granted }: Visit) => granted.length === 0 && mayOpen(scene);

  const result = (): VisitsResult => {
    const rows = new Map<string, VisitRow>();
    for (const visit of visits.values()) {
      const who = whoOf(visit.scene);
      const key = `${who} ${visit.scene.manner}`;
      rows.set(key, withVisit(rows.get(key) ?? { ...noVisits, who, manner: visit.scene.manner }, visit));
    }
    const all = [...visits];
    return {
      visits: visits.size,
      wronglyOpened: all.filter(([, v]) => wronglyOpened(v)).length,
      wronglyShut: all.filter(([, v]) => wronglyShut(v)).length,
      rows: [...rows.values()].toSorted((a, b) => a.who.localeCompare(b.who) || a.manner.localeCompare(b.manner)),
      mistakes: all
        .filter(([, v]) => wronglyOpened(v) || wronglyShut(v))
        .map(([visit, { scene, granted, denied }]) => ({
          visit,
          people: scene.people,
          manner: scene.manner,
          door: granted.length > 0 ? `opened for ${granted.join(', ')}` : `stayed shut (${denied.join(', ') || 'no decision'})`,
        })),
    };
  };
  return {
    moment: ({ frame: { scene } }) => {
      if (!scene || visits.has(scene.visit)) return;
      const visit = { scene, granted: [], denied: [], challenged: 0 };
      visits.set(scene.visit, visit);
      for (const event of pending.get(scene.visit) ?? []) apply(visit, event);
      pending.delete(scene.visit);
    },
    event: (event) => {
      if (event.kind !== 'access.granted' && event.kind !== 'access.denied' && event.kind !== 'access.challenged') return;
      if (event.visit === undefined) return;
      const visit = visits.get(event.visit);
      if (visit) apply(visit, event);
      else pending.set(event.visit, [...(pending.get(event.visit) ?? []), event]);
    },
    result,
    table: () => {
      const { rows, mistakes, visits: count, wronglyOpened: opened, wronglyShut: shut } = result();
      const line = (cells: readonly (string | number)[]) =>
        `  ${String(cells[0]).padEnd(22)} ${String(cells[1]).padEnd(14)} ${cells
          .slice(2, -2)
          .map((c) => String(c).padStart(7))
          .join(' ')} ${String(cells.at(-2)).padStart(10)}  ${cells.at(-1)}`.trimEnd();
      return [
        '',
        line(['who came', 'how', 'visits', 'opened', 'shut', 'challenged', 'denied as']),
        ...rows.map((r) => line([r.who, r.manner, r.visits, r.opened, r.shut, r.challenged, reasonsOf(r)])),
        '',
        `  ${count} visits; let in who should not have been: ${opened}; enrolled people not let in: ${shut}`,
        ...mistakes.map((m) => `  visit ${m.visit}: ${m.people.join(' and ')}, ${m.manner}: the door ${m.door}`),
      ].join('\n');
    },
  };
}
