/**
 * A message that the broker will never take is journalled, set aside and alarmed, and what follows goes out. Other trouble
 * delays messages and drops none.
 */
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/time.ts';
import type { Event } from '../../src/events.ts';
import { encodeEntry } from '../../src/mqtt/codec.ts';
import { packetBytes } from '../../src/mqtt/connection.ts';
import { numbered } from '../fakes/events.ts';
import { memoryJournal } from '../fakes/journal.ts';
import { openMosquitto } from '../fakes/mosquitto.ts';
import { openScriptedBroker, type Published } from '../fakes/scripted-broker.ts';
import { door, openWitness, publishing, topics, until, upTo, withoutRepeats } from './witness.ts';

const seqOf = ({ payload }: Pick<Published, 'payload'>): number => JSON.parse(payload.toString()).seq;
const events = (published: readonly Published[]) => published.filter(({ topic }) => topic.includes('/event/'));
const filled = (count: number) => {
  const journal = memoryJournal({ clock: systemClock });
  for (let n = 1; n <= count; n++) journal.append(numbered(n));
  return journal;
};
const notes = (journal: ReturnType<typeof memoryJournal>) =>
  journal.entries.flatMap(({ event }) => (event.kind === 'message.refused' ? [event] : []));

describe('a broker that refuses a message for good', () => {
  it.each([
    ['topic name invalid', 0x90],
    ['payload format invalid', 0x99],
  ])('(%s): it is set aside and the others come', async (_what, code) => {
    const taken: number[] = [];
    await using broker = await openScriptedBroker({
      onPublish: (message) => {
        if (!message.topic.includes('/event/')) return 0;
        if (seqOf(message) === 3 || message.topic === topics.event('message.refused')) return code;
        taken.push(seqOf(message));
        return 0;
      },
    });
    const journal = filled(6);
    await using publisher = publishing({ journal, broker: { url: broker.url } });
    await until(() => publisher.status().backlog === 0 && publisher.status().setAside === 2);
    expect(taken).toEqual([1, 2, 4, 5, 6]);
    // The note about it was refused as well, and there is no note about a note.
    expect(notes(journal)).toEqual([{ kind: 'message.refused', refusedSeq: 3, code, detail: expect.any(String) }]);
    expect(publisher.status()).toMatchObject({ state: 'connected' });
    expect(journal.cursor('mqtt').get()).toBe(7);
  });

  it('(packet too large, as it says beforehand): mosquitto never sees it, and the others come', async () => {
    const long: Event = { kind: 'daemon.stopped', reason: 'x'.repeat(900) };
    await using broker = await openMosquitto({ config: ['allow_anonymous true', 'max_packet_size 600'] });
    await using witness = await openWitness(broker.url);
    const journal = filled(2);
    journal.append(long);
    journal.append(numbered(4));
    await using publisher = publishing({ journal, broker: { url: broker.url } });
    await until(() => witness.seqs.length === 4 && publisher.status().backlog === 0);
    expect(witness.seqs).toEqual([1, 2, 4, 5]);
    expect(notes(journal)).toEqual([{ kind: 'message.refused', refusedSeq: 3, code: 149, detail: expect.stringContaining('600 bytes') }]);
    const lengths = journal.entries.map((entry) =>
      packetBytes(topics.event(entry.event.kind), encodeEntry(entry, { door, nowMs: Date.now(), historicalAfterMs: 60_000 })),
    );
    expect(lengths.filter((length) => length > 600)).toHaveLength(1);
  });

  it('(packet too large, and it hangs up over it): which one it is, is found out, and the others come', async () => {
    const taken: number[] = [];
    await using broker = await openScriptedBroker({
      onPublish: (message) => {
        if (!message.topic.includes('/event/')) return 0;
        if (seqOf(message) === 4) return { disconnect: 0x95 };
        taken.push(seqOf(message));
        return 0;
      },
    });
    const journal = filled(20);
    await using publisher = publishing({ journal, broker: { url: broker.url } });
    await until(() => publisher.status().backlog === 0);
    expect(withoutRepeats(taken)).toEqual([...upTo(3), ...upTo(21, 5)]);
    expect(notes(journal)).toEqual([{ kind: 'message.refused', refusedSeq: 4, code: 149, detail: expect.any(String) }]);
  });
});

describe('a broker that refuses for now', () => {
  it.each([
    ['not authorised', 0x87],
    ['quota exceeded', 0x97],
    ['an error it does not name', 0x80],
  ])('(%s): nothing is passed over, and all comes once it takes it', async (_what, code) => {
    const trouble = { on: true };
    const taken: number[] = [];
    await using broker = await openScriptedBroker({
      onPublish: (message) => {
        if (!message.topic.includes('/event/')) return 0;
        if (trouble.on && seqOf(message) === 3) return code;
        taken.push(seqOf(message));
        return 0;
      },
    });
    const journal = filled(5);
    await using publisher = publishing({ journal, broker: { url: broker.url } });
    await until(() => events(broker.published).filter((message) => seqOf(message) === 3).length >= 3);
    expect(journal.cursor('mqtt').get()).toBe(2);
    expect(publisher.status()).toMatchObject({ setAside: 0, backlog: 3 });
    trouble.on = false;
    await until(() => publisher.status().backlog === 0);
    expect(withoutRepeats(taken.toSorted((a, b) => a - b))).toEqual(upTo(5));
    expect(notes(journal)).toEqual([]);
  });
});

it('a backlog goes out at the set rate, in order, marked as historical', async () => {
  await using broker = await openMosquitto();
  await using witness = await openWitness(broker.url);
  const journal = filled(300);
  const startedMs = performance.now();
  await using publisher = publishing({ journal, broker: { url: broker.url }, drainPerS: 400, historicalAfterMs: -1 });
  // What the broker has taken reaches the witness a moment later.
  await until(() => publisher.status().backlog === 0 && witness.seqs.length >= 300);
  // At that rate 300 messages less the first burst cannot come sooner.
  expect(performance.now() - startedMs).toBeGreaterThan(((300 - 10) / 400) * 1000 * 0.9);
  expect(witness.seqs).toEqual(upTo(300));
  expect(witness.messages.filter(({ topic }) => topic.includes('/event/')).every(({ body }) => body.historical === true)).toBe(true);
});
