/** No pattern that reads what comes from outside takes longer than in proportion to its length: a million characters of any kind end at once. */
import { describe, expect, it } from 'vitest';
import { cameraAddress } from '../../src/base/network/camera-address.ts';
import { isHttpCall, isMqttMessage } from '../../src/base/network/device-command.ts';
import { authorisation, challengesIn } from '../../src/base/network/http-login.ts';
import { shownLine } from '../../src/base/path.ts';
import { parseSchedule } from '../../src/base/schedule.ts';
import { redacted } from '../../src/camera/redact.ts';
import { isEnclosed, isSigned } from '../../src/command/seal.ts';
import { isVisible, looksLike } from '../../src/identity/lookalike.ts';
import { topicsOf } from '../../src/mqtt/topics.ts';

const topics = topicsOf('facelatch', 'door');
const readers: Readonly<Record<string, (text: string) => unknown>> = {
  'a signed command': isSigned,
  'an encrypted command': isEnclosed,
  'the topic of a command': (text) => topics.commandOf(`facelatch/door/cmd/${text}`),
  'the topic of a reply': (text) => topics.isReply(`facelatch/door/reply/${text}`),
  'a challenge': (text) => challengesIn(`Basic ${text}`),
  'the parts of a challenge': (text) => authorisation(`Digest ${text}`, { user: 'a', password: 'b' }, { method: 'GET', uri: '/' }),
  'where a camera redirects to': cameraAddress,
  'what ffmpeg said': redacted,
  'text for the terminal': shownLine,
  'a name': (text) => isVisible(text) && looksLike(text, 'Ada'),
  'a row of a schedule': (text) => parseSchedule([text]),
  'the command of a relay': (text) => isHttpCall(text) || isMqttMessage(text),
};
const length = 1_000_000;
const kinds = ['a', 'a.', ' ', ',', ', ', '/', '\\', '"', 'a=', 'a="', '[', '://', 'user=', '\r\n', '@', '\u0301'];

describe.each(Object.entries(readers))('%s', (_, read) => {
  // Quadratic patterns would need minutes: the time-out of the test ends them.
  it.each(kinds)('of a million characters: %j', (kind) => {
    const text = `${kind.repeat(length / kind.length)}!`;
    try {
      read(text);
    } catch (error) {
      expect(error).toBeInstanceOf(Error);
    }
  });
});

it('what is redacted still holds no password', () => {
  expect(redacted('rtsp://admin:12@secret@camera/live?user=a&password=b')).toBe('rtsp://…@camera/live?user=…&password=…');
  expect(redacted('see http://u:p@h and https://h/x')).toBe('see http://…@h and https://h/x');
});
