import { CompactSign, generateKeyPair } from 'jose';
import { describe, expect, it } from 'vitest';
import { claimedKid, isCanonical, parseJson, signJws, verifiedPayload } from '../../src/base/jws.ts';

const type = 'facelatch-test+jwt';
const { privateKey, publicKey } = await generateKeyPair('Ed25519');
const stranger = await generateKeyPair('Ed25519');
const payload = new TextEncoder().encode('{"open":"door"}');
const signed = await signJws(payload, type, { kid: 'key 1', key: privateKey });
const [header = '', body = '', signature = ''] = signed.split('.');
const headerOf = (fields: object) => Buffer.from(JSON.stringify(fields)).toString('base64url');

describe('a signature', () => {
  it('gives back the payload to whoever has the public key', async () => {
    expect(await verifiedPayload(signed, publicKey)).toEqual(payload);
  });

  it.each([
    ['another payload', [header, Buffer.from('{"open":"safe"}').toString('base64url'), signature].join('.')],
    ['another header', [headerOf({ alg: 'Ed25519', kid: 'key 2', typ: type }), body, signature].join('.')],
    ['no signature', [header, body, ''].join('.')],
    ['the algorithm "none"', [headerOf({ alg: 'none', kid: 'key 1', typ: type }), body, ''].join('.')],
    ['two parts', [header, body].join('.')],
    ['nothing', ''],
  ])('is refused with %s', async (_, text) => {
    expect(await verifiedPayload(text, publicKey)).toBeUndefined();
  });

  it('of another key is refused', async () => {
    expect(await verifiedPayload(signed, stranger.publicKey)).toBeUndefined();
  });

  it('by another algorithm is refused, though the key is right', async () => {
    const secret = new Uint8Array(32);
    const other = await new CompactSign(payload).setProtectedHeader({ alg: 'HS256', kid: 'key 1', typ: type }).sign(secret);
    expect(await verifiedPayload(other, publicKey)).toBeUndefined();
    expect(await claimedKid(other, type)).toBeUndefined();
  });
});

describe('claimedKid', () => {
  it('names the key', async () => expect(await claimedKid(signed, type)).toBe('key 1'));

  it.each([
    ['another type', signed, 'facelatch-other+jwt'],
    ['no type', [headerOf({ alg: 'Ed25519', kid: 'key 1' }), body, signature].join('.'), type],
    ['no key id', [headerOf({ alg: 'Ed25519', typ: type }), body, signature].join('.'), type],
    ['a number as key id', [headerOf({ alg: 'Ed25519', kid: 7, typ: type }), body, signature].join('.'), type],
    ['a header that is not JSON', `AAAA.${body}.${signature}`, type],
    ['no header', '', type],
  ])('is undefined for a text of %s', async (_, text, expected) => {
    expect(await claimedKid(text, expected)).toBeUndefined();
  });
});

describe('isCanonical', () => {
  it('holds for what signJws makes', () => expect(isCanonical(signed)).toBe(true));

  it('tells a second text of the same signature from the first', async () => {
    // 64 bytes are 86 characters; the last one carries two bits, and its four others may be anything.
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const other = `${signed.slice(0, -1)}${letters[letters.indexOf(signed.at(-1) ?? '') ^ 1]}`;
    expect(Buffer.from(other.split('.')[2] ?? '', 'base64url')).toEqual(Buffer.from(signature, 'base64url'));
    expect(isCanonical(other)).toBe(false);
  });

  it.each([
    ['padded', '='],
    ['with a line break', '\n'],
  ])('is false for a text that is %s', (_, end) => {
    expect(isCanonical(signed + end)).toBe(false);
  });
});

describe('parseJson', () => {
  it('reads JSON', () => expect(parseJson(payload)).toEqual({ open: 'door' }));

  it.each([
    ['what is not UTF-8', Uint8Array.of(0x22, 0xff, 0x22)],
    ['what is not JSON', new TextEncoder().encode('{open}')],
    ['nothing', new Uint8Array()],
  ])('is undefined for %s', (_, bytes) => expect(parseJson(bytes)).toBeUndefined());
});
