/** Enrolment sessions that judge a picture by its first bytes alone (a JPEG is good) and remember what was committed. */
import { randomUUID } from 'node:crypto';
import type { EnrolmentAnswer, EnrolmentSessions, EnrolmentStatus, PictureOutcome } from '../../src/identity/port.ts';

export interface FakeSessions extends EnrolmentSessions {
  readonly committed: { readonly name: string; readonly by: string; readonly pictures: readonly number[] }[];
  readonly open: ReadonlyMap<string, unknown>;
}

export function fakeSessions(): FakeSessions {
  const open = new Map<string, { name: string; by: string; pictures: number[] }>();
  const committed: FakeSessions['committed'] = [];
  const missing = { ok: false, reason: 'no-such-session', detail: 'There is no such session.' } as const;
  const statusOf = (session: string, state: EnrolmentStatus['state'] = 'collecting'): EnrolmentStatus => {
    const { name, pictures } = open.get(session) ?? { name: '', pictures: [] };
    return { session, state, name, pictures: pictures.length, expiresAt: '2026-01-01T00:10:00.000Z' };
  };
  const within = <T>(session: string, work: (held: { name: string; by: string; pictures: number[] }) => EnrolmentAnswer<T>) => {
    const held = open.get(session);
    return Promise.resolve(held ? work(held) : missing);
  };
  return {
    committed,
    open,
    start: async ({ name, by }) => {
      const session = randomUUID();
      open.set(session, { name, by, pictures: [] });
      return { ok: true, value: statusOf(session) };
    },
    addPicture: (id, { picture, source }) =>
      within<PictureOutcome>(id, ({ pictures }) => {
        if (picture[0] !== 0xff) return { ok: true, value: { accepted: false, source, reasons: ['no-face'], detail: 'no face found' } };
        pictures.push(picture.length);
        return { ok: true, value: { accepted: true, source, detail: 'good' } };
      }),
    takeFromCamera: (id, { count }) =>
      within(id, () => ({ ok: true, value: { ...statusOf(id, 'taking'), wanted: count, prompt: 'Look here' } })),
    status: (id) => within(id, () => ({ ok: true, value: statusOf(id) })),
    commit: (id) =>
      within(id, ({ name, by, pictures }) => {
        if (pictures.length === 0) return { ok: false, reason: 'no-pictures', detail: 'No picture was good enough.' };
        committed.push({ name, by, pictures: [...pictures] });
        open.delete(id);
        return { ok: true, value: { id: 'p-9', name, enrolledAt: '2026-01-01T00:00:00.000Z', pictures: pictures.length } };
      }),
    abort: (id) =>
      within(id, () => {
        const value = statusOf(id, 'aborted');
        open.delete(id);
        return { ok: true, value };
      }),
    changes: async function* () {},
    [Symbol.asyncDispose]: async () => undefined,
  };
}
