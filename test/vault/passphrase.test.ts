import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { unwrapByPassphrase, wrapByPassphrase } from '../../src/vault/passphrase.ts';

const kek = new Uint8Array(randomBytes(32));

it('a key comes back with its passphrase, however it is composed, and with no other', async () => {
  const wrapped = await wrapByPassphrase(kek, 'Zwölf Äpfel am Tor');
  expect(wrapped).not.toContain(Buffer.from(kek).toString('base64url'));
  expect(await unwrapByPassphrase(wrapped, 'Zwölf Äpfel am Tor'.normalize('NFD'))).toEqual(Buffer.from(kek));
  expect(await unwrapByPassphrase(wrapped, 'Zwölf Äpfel am Tor ')).toBeUndefined();
});

it('a short passphrase is refused', async () => {
  await expect(wrapByPassphrase(kek, 'elevenchars')).rejects.toMatchObject({ code: 'bad-argument' });
});

it('a text that asks for another cost, or is no wrapped key, counts as damaged', async () => {
  for (const text of ['', '{}', '{"kdf":"scrypt","N":1024,"r":8,"p":1,"salt":"AA","key":"AA"}'])
    await expect(unwrapByPassphrase(text, 'Zwölf Äpfel am Tor')).rejects.toMatchObject({ code: 'vault-damaged' });
});
