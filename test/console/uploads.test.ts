/** The door lets a resident in while the console sends it pictures, and judges every one of them. */
import { expect, it } from 'vitest';
import { demoPicture, openConsoleDoor } from '../fakes/console-door.ts';

it('a resident is let in while pictures are uploaded, and each picture is judged', async () => {
  await using door = await openConsoleDoor({ enrolled: ['p01'] });
  const cookie = await door.cookie('admin');
  const send = async (path: string, type: string, body: string | Uint8Array) => {
    const headers = { cookie, origin: door.url, 'x-facelatch': '1', 'content-type': type };
    return await fetch(`${door.url}/api/v1/${path}`, { method: 'POST', headers, body: Buffer.from(body) });
  };
  const { session } = (await (await send('enrol.start', 'application/json', '{"name":"Guest"}')).json()) as { session: string };
  const uploads = (['p05', 'p06'] as const).flatMap((person) =>
    (['neutral', 'smiling'] as const).map((look) => send(`enrol/${session}/pictures`, 'image/jpeg', demoPicture(person, look))),
  );
  await door.show('p01');
  expect(door.events.filter(({ kind }) => kind === 'access.granted')).not.toEqual([]);
  const answers = await Promise.all(uploads.map(async (answer) => (await (await answer).json()) as { accepted?: boolean }));
  expect(answers.filter(({ accepted }) => typeof accepted === 'boolean')).toHaveLength(4);
});
