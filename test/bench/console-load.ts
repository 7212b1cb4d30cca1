/**
 * What a door's console is asked by others while it is measured, from a process of its own: five live views, requests
 * without end, and pictures for an enrolment. The address and the cookies come as an argument; it ends when it is killed.
 */
import { demoPicture } from '../fakes/console-door.ts';

const { url, viewers, admin, session } = JSON.parse(process.argv[2] ?? '{}') as Told;

interface Told {
  readonly url: string;
  readonly viewers: readonly string[];
  readonly admin: string;
  /** An enrolment session of the admin. */
  readonly session: string;
}

const headersOf = (cookie: string, type = 'application/json') => ({
  ...{ cookie, origin: url, 'x-facelatch': '1', 'content-type': type },
});

/** A live view without a browser: the stream, and each picture. */
async function watch(cookie: string): Promise<void> {
  const headers = headersOf(cookie);
  const stream = await fetch(`${url}/api/v1/live?moments=1`, { headers });
  const text = new TextDecoder();
  for await (const part of stream.body ?? []) {
    const n = /"n":(\d+)/.exec(text.decode(part))?.[1];
    if (n) await (await fetch(`${url}/api/v1/live/${n}`, { headers })).arrayBuffer();
  }
}

async function flood(cookie: string): Promise<void> {
  for (;;) await (await fetch(`${url}/api/v1/journal.query`, { method: 'POST', headers: headersOf(cookie), body: '{}' })).arrayBuffer();
}

/** Whoever measures is told of each picture that the door has judged. */
async function upload(cookie: string): Promise<void> {
  const [headers, body] = [headersOf(cookie, 'image/jpeg'), Buffer.from(demoPicture('p06'))];
  for (;;) {
    const answer = await fetch(`${url}/api/v1/enrol/${session}/pictures`, { method: 'POST', headers, body });
    await answer.arrayBuffer();
    if (answer.ok) process.send?.('judged');
  }
}

await Promise.all([...viewers.map(watch), ...[1, 2, 3, 4].map(() => flood(viewers[0] ?? '')), upload(admin)]);
