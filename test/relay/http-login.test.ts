import { describe, expect, it } from 'vitest';
import { answerTo } from '../../src/relay/http.ts';

const login = { user: 'admin', password: 'correct horse' };
const call = { method: 'GET', url: 'http://relay/rpc?id=0' };
const answer = (challenge: string, basic = false) => answerTo(challenge, login, call, basic);
const secret = Buffer.from('admin:correct horse').toString('base64');
const digest = 'Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256';

describe('a relay that asks for its password', () => {
  it.each([digest, `Basic realm="b", ${digest}`, `${digest}, Basic realm="b"`, `BASIC realm="b",   ${digest.toLowerCase()}`])(
    'by Digest, alone or beside Basic, is answered by Digest: %s',
    (challenge) => {
      for (const basic of [true, false]) {
        const given = answer(challenge, basic);
        expect(given).toMatch(/^Digest username="admin", realm="r", nonce="n", uri="\/rpc\?id=0", response="[0-9a-f]{64}"/);
        expect(given).not.toContain(secret);
      }
    },
  );

  it('by Basic is given it only where that is allowed', () => {
    expect(answer('Basic realm="x"', true)).toBe(`Basic ${secret}`);
    expect(() => answer('Basic realm="x"')).toThrow(
      expect.objectContaining({ code: 'relay-forbidden', message: expect.stringContaining('relay.device.login') }),
    );
  });

  it.each([
    'Bearer realm="x"',
    'Digest realm="r", nonce="n", algorithm=SHA-256',
    'Digest realm="r", nonce="n", qop="auth", algorithm=crc32',
    '',
    'a'.repeat(1_000_000),
    `Digest ${'a'.repeat(1_000_000)}`,
    `Digest ${'a="'.repeat(300_000)}`,
    `${','.repeat(1_000_000)}Digest`,
    `Basic ${','.repeat(1_000_000)}`,
  ])('in no known way is not answered: %.40s', (challenge) => {
    for (const basic of [true, false]) expect(() => answer(challenge, basic)).toThrow(expect.objectContaining({ code: 'relay-forbidden' }));
  });
});
