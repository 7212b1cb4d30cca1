/** What the journal vouches for: the note that fits the newest entry, under the secret of the door. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { vouchedBy } from '../../../src/adapters/vouched/vouched.ts';
import type { Event } from '../../../src/events.ts';
import type { Config } from '../../../src/settings/load.ts';
import { temporaryFolder } from '../../cli/facelatch.ts';
import { doorConfig } from '../../fakes/config.ts';

const what = { name: 'operators', kinds: ['key.added'] } as const;
let folder: ReturnType<typeof temporaryFolder>;
let config: Config;
beforeEach(() => {
  folder = temporaryFolder();
  config = doorConfig({ 'state.folder': folder.path });
});
afterEach(() => folder[Symbol.dispose]());

/** A journal with these entries, and one note. */
function journalOf() {
  const held = { note: undefined as string | undefined, events: [] as Event[] };
  const entry = (event: Event, at: number) => ({ seq: at + 1, id: `${at}`, at: '', event, hash: '' });
  return { held, journal: { note: () => held.note, query: () => held.events.map(entry) } };
}
const added = (digest?: string): Event => ({
  kind: 'key.added',
  name: 'ada',
  role: 'admin',
  key: 'k',
  ...(digest !== undefined && { digest }),
});

it('is what was said last; where its entry was removed because of its age, the note stands alone', () => {
  const { held, journal } = journalOf();
  const vouched = vouchedBy(config, journal, what);
  expect(vouched.said()).toBe('nothing');
  for (const text of ['one', 'two']) {
    const { digest, notes } = vouched.saying(text);
    held.events.push(added(digest));
    held.note = notes.operators;
    expect(vouched.said()).toEqual({ text });
  }
  held.events.push(added()); // of an earlier version
  expect(vouchedBy(config, journal, what).said()).toEqual({ text: 'two' });
  held.events = [];
  expect(vouchedBy(config, journal, what).said()).toEqual({ text: 'two' });
});

it('does not fit where the note is an older one, is gone, is of another door or use, or was changed', () => {
  const { held, journal } = journalOf();
  const vouched = vouchedBy(config, journal, what);
  const said = () => vouchedBy(config, journal, what).said();
  const [one, two] = [vouched.saying('one'), vouched.saying('two')];
  held.events = [added(one.digest), added(two.digest)];
  held.note = one.notes.operators;
  expect(said()).toBe('unfit');
  held.note = undefined;
  expect(said()).toBe('unfit');
  held.events = [];
  using other = temporaryFolder();
  held.note = vouchedBy(doorConfig({ 'state.folder': other.path }), journal, what).saying('two').notes.operators;
  expect(said()).toBe('unfit');
  held.note = vouchedBy(config, journal, { ...what, name: 'vault.pin' }).saying('two').notes['vault.pin'];
  expect(said()).toBe('unfit');
  held.note = two.notes.operators?.replace('two', 'six');
  expect(said()).toBe('unfit');
  held.note = 'no JSON';
  expect(said()).toBe('unfit');
});
