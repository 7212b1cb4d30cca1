/** Settings of what is seen and who it is: door, state, camera, face, identity, enrolment. */
import { choice, flag, names, number, string, whole } from './kinds.ts';

export const door = {
  id: string('Names this door in topics and journal.', 'front-door', /^[A-Za-z0-9_.-]{1,64}$/, '1 to 64 of A–Z a–z 0–9 _ . -'),
};

export const state = {
  folder: string(
    "Where people, journal and lock are kept. Under systemd the unit's StateDirectory is used when this is not set.",
    'state',
    /./,
    'a folder',
  ),
};

export const camera = {
  source: choice(
    'Which camera: `v4l2` (USB camera through ffmpeg), `webcam` (node-webcam and fswebcam, one still at a time), `rtsp` (a network camera through ffmpeg), `replay` (pictures, a video, or the built-in demo visits).',
    'v4l2',
    ['v4l2', 'webcam', 'rtsp', 'replay'],
  ),
  device: string(
    'The USB camera: a name in /dev/v4l/by-id (does not change when cameras are plugged in another order) or a path such as /dev/video0.',
    '/dev/video0',
    /./,
    'a name or path',
  ),
  url: {
    ...string('The network camera (`rtsp://`, `http://` …); may hold user and password and is never shown with them.', ''),
    sensitive: true,
  },
  width: whole('Wanted picture width, pixels; the nearest that the camera offers is taken.', 640, 160, 4096),
  height: whole('Wanted picture height, pixels.', 480, 120, 4096),
  fps: number('Wanted frames a second.', 15, 1, 60),
  freezeMs: whole(
    'A camera that gives no new picture for so long is frozen: reported, closed and opened again. Milliseconds.',
    5000,
    500,
    600_000,
  ),
  darkLevel: number('A mean brightness (0 to 255) below this is a covered lens or a dead sensor; 0 turns the check off.', 4, 0, 255),
  darkMs: whole('How long it must be so dark before it is reported. Milliseconds.', 30_000, 1000, 3_600_000),
  retryMinMs: whole('First wait before a failed camera is opened again; doubles each time. Milliseconds.', 500, 50, 600_000),
  retryMaxMs: whole('Longest such wait. Milliseconds.', 30_000, 100, 3_600_000),
  replay: {
    from: string('What `replay` plays: `demo`, a folder of pictures, or a video file.', 'demo', /./, '`demo`, a folder or a file'),
    speed: number('1 is life; 0 is as fast as the door can read, on a clock of its own; another number is a factor.', 1, 0, 100),
    loop: flag('Begin again at the end.', false),
    visits: whole('How many visits the demo plays; 0 for ever.', 0, 0, 1_000_000),
    seed: whole('The demo visits of one seed are always the same.', 1, 0, 2_147_483_647),
    enrolled: names('Which of the demo people are enrolled when the demo starts (from their neutral pictures); the others are strangers.', [
      'p01',
      'p03',
      'p05',
      'p07',
      'p09',
      'p11',
      'p13',
      'p15',
    ]),
  },
};

export const face = {
  detector: string(
    'The face detector: a folder in models/ by name, or a path to a folder with a manifest.json.',
    'detector',
    /./,
    'a name or path',
  ),
  embedder: string('The embedder (the Siamese twin), likewise.', 'embedder', /./, 'a name or path'),
  threads: whole('Threads of one inference.', 2, 1, 64),
  provider: choice(
    'What computes the networks: `cpu`, or an NVIDIA GPU through `cuda` or `tensorrt`, which need an ONNX Runtime built for them (docs/start/jetson.md).',
    'cpu',
    ['cpu', 'cuda', 'tensorrt'],
  ),
  idleFps: number(
    'While nobody has been seen for two seconds, or the visitor has been let in or denied, only so many frames a second are looked at, which saves power; 0 looks at all.',
    4,
    0,
    60,
  ),
  quality: {
    minInterEyePx: number('Smallest distance between the eyes, pixels.', 24, 4, 1000),
    minLuminance: number("Lowest mean brightness of the face, 0 to 255; below it the face is 'too-dark'.", 35, 0, 255),
    maxLuminance: number("Highest mean brightness of the face; above it the face is 'too-bright'.", 225, 0, 255),
    minSharpness: number("Lowest sharpness (Laplacian variance over luma variance); below it the face is 'blurred'.", 0.012, 0, 10),
    maxTurnDeg: number("Largest turn of the head to the side, up or down, degrees; beyond it the face is 'turned-away'.", 40, 5, 90),
    dominance: number(
      "A second face at least this share of the largest one's area makes it 'several-faces', and the door waits.",
      0.5,
      0.05,
      1,
    ),
  },
};

export const identity = {
  policy: choice(
    "How a match is accepted: `target-fmr` (a false-match rate, by the network's calibration) or `paper` (detection and verification threshold over a person's pictures).",
    'target-fmr',
    ['target-fmr', 'paper'],
  ),
  targetFmr: number(
    'Wrong accepts per attempt of a stranger, over the whole gallery (target-fmr). 0.0001 is one in 10,000.',
    0.0001,
    1e-9,
    0.1,
  ),
  ambiguityMargin: number(
    'When a second person comes within so many logits of the best, the face is ambiguous and the door stays shut.',
    1.5,
    0,
    100,
  ),
  detection: number(
    "The paper's detection threshold: probability above which one verification picture counts as a match.",
    0.99,
    0.000001,
    0.999999,
  ),
  verification: number("The paper's verification threshold: share of a person's pictures that must match.", 0.8, 0.000001, 1),
};

export const enrolment = {
  maxSessions: whole('Enrolment sessions from afar at once.', 4, 1, 64),
  sessionMs: whole(
    'A session that nobody touches for so long is given up, and nothing of it is left. Milliseconds.',
    600_000,
    1000,
    86_400_000,
  ),
  maxPictures: whole('Pictures of one session; they are kept in memory until it is committed.', 50, 1, 500),
  maxPictureBytes: whole('A larger picture is refused. Bytes.', 8_000_000, 10_000, 64_000_000),
  intervalMs: whole("Time to move between two pictures of the door's own camera. Milliseconds.", 1500, 100, 60_000),
};
