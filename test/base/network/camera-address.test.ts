/** The address of a network camera: what it means, and that nothing secret shows, whatever characters it has. */
import { describe, expect, it } from 'vitest';
import { type CameraAddress, cameraAddress, needsTrust } from '../../../src/base/network/camera-address.ts';

const known = (text: string): CameraAddress => {
  const at = cameraAddress(text);
  if (typeof at === 'string') throw new Error(at);
  return at;
};

it('gives machine, port and login, and the address without them for the request', () => {
  expect(known('rtsps://ada:p%40ss%2Fword@cam.local/live?ch=1')).toMatchObject({
    ...{ scheme: 'rtsps', host: 'cam.local', port: 322, label: 'rtsps://cam.local', secure: true, local: false },
    ...{ login: { user: 'ada', password: 'p@ss/word' }, uri: 'rtsps://cam.local/live?ch=1' },
  });
  expect(known('https://cam:8443/stream?ch=1')).toMatchObject({ port: 8443, login: undefined, uri: '/stream?ch=1' });
  expect(known('rtsp://[fe80::1]:8554/a')).toMatchObject({ host: 'fe80::1', port: 8554, uri: 'rtsp://[fe80::1]:8554/a' });
});

it('needs trust in the network where nothing is encrypted and other machines are on the way', () => {
  const plain = ['rtsp://192.168.1.9/a', 'http://cam/a', 'tcp://cam:9000', 'rtsp://127.0.0.1.example.com/a'];
  const safe = ['rtsps://cam/a', 'https://cam/a', 'rtsp://127.0.0.1:8554/a', 'http://localhost/a', 'tcp://[::1]:9000'];
  expect(plain.map((text) => needsTrust(known(text)))).toEqual(plain.map(() => true));
  expect(safe.map((text) => needsTrust(known(text)))).toEqual(safe.map(() => false));
});

describe('a password with characters that must be encoded', () => {
  it.each([
    ['rtsp://admin:12/Sesame@cam/live', '/'],
    ['rtsp://admin:12?Sesame@cam/live', '?'],
    ['rtsp://admin:2024#Sesame@cam/live', '#'],
    ['rtsp://admin:Sesame/12@cam/live', '/ before a port that is none'],
    ['http://admin:12\\Sesame@cam/live', '\\'],
    ['rtsp://admin:Ses ame@cam/live', 'space'],
    ['admin:Sesame@cam', 'no scheme'],
    ['Sesame://admin@cam', 'as scheme'],
  ])('is refused and not shown: %s (%s)', (text) => {
    const wrong = cameraAddress(text);
    expect(wrong).toBeTypeOf('string');
    expect(wrong).not.toMatch(/Ses|12|2024|admin/);
  });

  it.each(['a@b', 'a:b', 'a%b'])('is taken as it stands where it is clear what is meant: %s', (password) => {
    expect(known(`rtsp://admin:${password}@cam/live`).login?.password).toBe(password);
  });
});

it('hides what the label does not show, as it stands and decoded', () => {
  const { hide, label } = known('rtsp://porter:p%2Fss%20word@cam:554/user=ada&password=kiwi?token=s3cret');
  expect(label).toBe('rtsp://cam:554');
  const said = hide('rtsp://cam:554/user=ada&password=kiwi?token=s3cret: porter p/ss word p%2Fss%20word token=s3cret failed');
  expect(said).not.toMatch(/kiwi|s3cret|porter|ss.?word/);
  expect(said).toContain('failed');
});
