/** The thread that checks signatures answers as the gate would itself, also for the longest payload there may be. */
import { expect, it } from 'vitest';
import { openProver } from '../../src/command/prover.ts';
import { openPost } from './post.ts';

it('proves who signed, short or long, and reads the operators again when they change', async () => {
  using post = await openPost();
  const maxBytes = 1_000_000;
  await using prover = openProver({ decrypt: post.keys.decrypt, operatorsFile: `${post.folder}/operators.json` }, maxBytes);
  const long = { session: 's', picture: 'A'.repeat(400_000) };
  for (const [name, args] of [
    ['disarm', {}],
    ['enrol.add', long],
  ] as const) {
    const { payload } = await post.senders.admin.request(name, args);
    expect(payload.length).toBeLessThan(maxBytes);
    const proofs = await Promise.all(Array.from({ length: 10 }, () => prover.prove(Buffer.from(payload), false)));
    for (const proof of proofs) expect(proof).toMatchObject({ ok: true, operator: { name: 'the-admin' }, claims: { cmd: name, args } });
  }
  // As long as may be, and nothing of it right.
  expect(await prover.prove(Buffer.from(`eyJ${'.'.repeat(3)}${'x'.repeat(maxBytes - 10)}`), false)).toMatchObject({ ok: false });
  expect(await prover.prove(Buffer.from(Array.from({ length: 5 }, () => 'x'.repeat(190_000)).join('.')), false)).toMatchObject({
    ok: false,
  });
  const { payload } = await post.senders.admin.request('disarm', {});
  await post.operators.remove('the-admin');
  expect(await prover.prove(Buffer.from(payload), true)).toMatchObject({ ok: false, code: 'unknown-key' });
});
