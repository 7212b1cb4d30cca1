import { GeneralEncrypt } from 'jose';
import { describe, expect, test } from 'vitest';
import { signJws } from '../../src/base/jws.ts';
import { knownOf, notForUs, seal, signStatement, unseal, verifyStatement } from '../../src/farm/seal.ts';
import { checkpointForm, receiptForm } from '../../src/farm/statements.ts';
import { someone } from './set.ts';

const [door, trainer, other] = [await someone('door'), await someone('trainer'), await someone('other')];
const [knownDoor, knownTrainer] = [await knownOf(door.card), await knownOf(trainer.card)];
const receipt = { submission: 's-1', job: 'job-1', recipe: 'adapt', digest: 'abc', exp: 12 };
const type = 'facelatch-farm-receipt+jwt';
const bytes = (text: string) => new TextEncoder().encode(text);

describe('a sealed statement', () => {
  test('is read by its recipients alone', async () => {
    const text = await seal(receipt, type, door.party, [knownTrainer, knownDoor]);
    for (const reader of [trainer.party, door.party])
      expect(await unseal(text, type, reader, [knownDoor], receiptForm)).toEqual({ claims: receipt, by: knownDoor });
    expect(await unseal(text, type, other.party, [knownDoor], receiptForm)).toEqual({ refused: notForUs });
  });

  test.each(['', '{', 'null', '[]', '{"recipients":[]}', '{"recipients":[{}],"protected":1}'])('%j is refused', async (text) => {
    expect(await unseal(text, type, trainer.party, [knownDoor], receiptForm)).toEqual({ refused: notForUs });
  });

  test('that is compressed is refused before it is decrypted', async () => {
    const jwe = await new GeneralEncrypt(bytes('x'))
      .setProtectedHeader({ enc: 'A256GCM' })
      .addRecipient(knownTrainer.encrypt)
      .setUnprotectedHeader({ alg: 'ECDH-ES+A256KW' })
      .encrypt();
    const header = Buffer.from(JSON.stringify({ enc: 'A256GCM', zip: 'DEF' })).toString('base64url');
    const text = JSON.stringify({ ...jwe, protected: header });
    expect(await unseal(text, type, trainer.party, [knownDoor], receiptForm)).toEqual({ refused: 'is compressed' });
  });
});

describe('a signed statement', () => {
  test('is not accepted as another kind, from an unknown key, or in another form', async () => {
    const text = await signStatement(receipt, type, door.party);
    const read = (...[as, by, form]: [Parameters<typeof verifyStatement>[1], typeof knownDoor, typeof receiptForm]) =>
      verifyStatement(text, as, [by], form);
    expect(await read(type, knownDoor, receiptForm)).toMatchObject({ claims: receipt });
    expect(await read('facelatch-farm-order+jwt', knownDoor, receiptForm)).toEqual({ refused: 'is not a facelatch-farm-order+jwt' });
    expect(await read(type, knownTrainer, receiptForm)).toMatchObject({ refused: expect.stringContaining('not trusted') });
    expect(await verifyStatement(text, type, [knownDoor], checkpointForm)).toMatchObject({ refused: expect.stringContaining('form') });
  });

  test('with a changed payload, or one that is not JSON, is refused', async () => {
    const [header, , signature] = (await signStatement(receipt, type, door.party)).split('.');
    const changed = [header, Buffer.from(JSON.stringify({ ...receipt, exp: 99 })).toString('base64url'), signature].join('.');
    expect(await verifyStatement(changed, type, [knownDoor], receiptForm)).toEqual({ refused: 'has an invalid signature of door' });
    const text = await signJws(bytes('not JSON'), type, { kid: door.party.id, key: door.party.sign });
    expect(await verifyStatement(text, type, [knownDoor], receiptForm)).toMatchObject({ refused: expect.stringContaining('form') });
  });
});

test('a card whose keys are of another kind is refused', async () => {
  const swapped = { ...door.card, sign: door.card.encrypt, encrypt: door.card.sign };
  await expect(knownOf(swapped)).rejects.toMatchObject({ code: 'bad-config', message: expect.stringContaining('The card of door') });
});
