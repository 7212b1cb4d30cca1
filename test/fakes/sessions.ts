/** Enrolment sessions that judge a picture by its first bytes alone (a JPEG is good) and remember what was committed. */
import { randomUUID } from 'node:crypto';
import { pictureDigest, pictureId } from '../../src/identity/picture-id.ts';
import type { Enroller, Enrolment, EnrolmentAnswer, EnrolmentSessions, EnrolmentStatus, PictureOutcome } from '../../src/identity/port.ts';

export interface FakeSessions extends EnrolmentSessions {
  readonly committed: { readonly name: string; readonly by: string; readonly pictures: readonly number[] }[];
  readonly open: ReadonlyMap<string, unknown>;
  /** While set: a picture that every commit stores besides. */
  slipIn: Uint8Array | undefined;
}

export function fakeSessions(): FakeSessions {
  const open = new Map<string, { name: string; by: string; key: string; pictures: Uint8Array[] }>();
  const committed: FakeSessions['committed'] = [];
  const missing = { ok: false, reason: 'no-such-session', detail: 'There is no such session.' } as const;
  const statusOf = (session: string, state: EnrolmentStatus['state'] = 'collecting'): EnrolmentStatus => {
    const { name, pictures } = open.get(session) ?? { name: '', pictures: [] };
    return { session, state, name, pictures: pictures.length, expiresAt: '2026-01-01T00:10:00.000Z' };
  };
  const within = <T>(
    session: string,
    key: string,
    work: (held: { name: string; by: string; pictures: Uint8Array[] }) => EnrolmentAnswer<T>,
  ) => {
    const held = open.get(session);
    return Promise.resolve(held?.key === key ? work(held) : missing);
  };
  const enrolmentOf = ({ name: by, key }: Enroller): Enrolment => ({
    start: async (name) => {
      const session = randomUUID();
      open.set(session, { name, by, key, pictures: [] });
      return { ok: true, value: statusOf(session) };
    },
    addPicture: (id, { picture, source }) =>
      within<PictureOutcome>(id, key, ({ pictures }) => {
        if (picture[0] !== 0xff) return { ok: true, value: { accepted: false, source, reasons: ['no-face'], detail: 'no face found' } };
        pictures.push(picture);
        return { ok: true, value: { accepted: true, source, detail: 'good', picture: pictureId(picture) } };
      }),
    takeFromCamera: (id, { count }) =>
      within(id, key, () => ({ ok: true, value: { ...statusOf(id, 'taking'), wanted: count, prompt: 'Look here' } })),
    status: (id) => within(id, key, () => ({ ok: true, value: statusOf(id) })),
    commit: (id) =>
      within(id, key, ({ name, by, pictures }) => {
        if (pictures.length === 0) return { ok: false, reason: 'no-pictures', detail: 'No picture was good enough.' };
        committed.push({ name, by, pictures: pictures.map(({ length }) => length) });
        open.delete(id);
        const ids = [...pictures, ...(fake.slipIn ? [fake.slipIn] : [])].map(pictureId);
        const person = { id: 'p-9', name, enrolledAt: '2026-01-01T00:00:00.000Z', pictures: pictures.length };
        return { ok: true, value: { person, leftOut: [], added: ids, digest: pictureDigest(ids) } };
      }),
    abort: (id) =>
      within(id, key, () => {
        const value = statusOf(id, 'aborted');
        open.delete(id);
        return { ok: true, value };
      }),
  });
  const fake: FakeSessions = {
    slipIn: undefined,
    committed,
    open,
    of: (enroller) => enrolmentOf(enroller),
    changes: async function* () {},
    [Symbol.asyncDispose]: async () => undefined,
  };
  return fake;
}
