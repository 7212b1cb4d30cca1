/** A picture from outside waits while somebody stands before the door; no poster holds it back for ever, and the end of the door lets it go. */
import { expect, it } from 'vitest';
import { outsidePictures } from '../../src/house/outside-pictures.ts';
import { fakeClock } from '../fakes/clock.ts';

function open() {
  const clock = fakeClock();
  const signals: AbortSignal[] = [];
  const pictures = outsidePictures(clock, ({ signal }) => {
    signals.push(signal);
    return { clean: async (encoded) => encoded };
  });
  let handedOnMs: number | undefined;
  const send = () =>
    pictures.clean(new Uint8Array(1)).then(() => {
      handedOnMs = clock.now();
    });
  return { clock, pictures, signals, send, handedOn: () => handedOnMs };
}

it('is handed on at once where nobody is', async () => {
  const { send, handedOn } = open();
  await send();
  expect(handedOn()).toBe(0);
});

it('waits for a visitor to be decided on or to go', async () => {
  const { clock, pictures, send, handedOn } = open();
  pictures.saw();
  const sent = send();
  await clock.advance(1000);
  pictures.saw();
  await clock.advance(1900);
  expect(handedOn()).toBeUndefined();
  await clock.advance(200);
  await sent;
  expect(handedOn()).toBe(3000);
});

it('waits a few seconds at most for a face that stays', async () => {
  const { clock, pictures, send, handedOn } = open();
  const sent = send();
  await sent;
  pictures.saw();
  const second = send();
  for (let second = 0; second < 5; second++) {
    await clock.advance(1000);
    pictures.saw();
  }
  await second;
  expect(handedOn()).toBeLessThanOrEqual(3100);
});

it('is handed on when the door stops, which also ends what decodes', async () => {
  const { clock, pictures, signals, send, handedOn } = open();
  pictures.saw();
  const sent = send();
  await clock.advance(100);
  pictures[Symbol.dispose]();
  await sent;
  expect([handedOn(), signals.map(({ aborted }) => aborted)]).toEqual([100, [true]]);
});
