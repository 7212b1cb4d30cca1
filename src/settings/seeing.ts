/** Settings of what the door sees and whose face it is: door, state, camera, face, identity, enrolment. */
import { choice, flag, names, number, quarterTurn, string, whole, zones } from './kinds.ts';

export const door = {
  id: string(
    'Name of this door in MQTT topics and in the journal. Give every door of a site its own.',
    'front-door',
    /^[A-Za-z0-9_.-]{1,64}$/,
    '1 to 64 of A–Z a–z 0–9 _ . -',
  ),
};

export const state = {
  folder: string(
    'Folder for the people, the journal, the trained networks and the lock file. If it is not set, systemd supplies it (`StateDirectory` of the unit).',
    'state',
    /./,
    'a folder',
  ),
};

export const camera = {
  source: choice(
    'Which camera to read: `v4l2` (a USB camera, through ffmpeg), `webcam` (a USB camera, through node-webcam and fswebcam, one still at a time), `rtsp` (a network camera, through ffmpeg), `replay` (pictures, a video, or the built-in demo), `browser` (the camera of the device that shows the console: to try facelatch on a laptop, with `relay.kind` `dry` only).',
    'v4l2',
    ['v4l2', 'webcam', 'rtsp', 'replay', 'browser'],
  ),
  device: string(
    'The USB camera: a name in /dev/v4l/by-id, which stays the same when cameras are plugged in again, or a path such as /dev/video0.',
    '/dev/video0',
    /./,
    'a name or path',
  ),
  url: {
    ...string(
      'Address of the network camera (`rtsps://`, `https://`, `rtsp://`, `http://`, `tcp://`). It may contain a user and a password, which are never shown; in them, write % / ? # @ : and spaces as %25 %2F %3F %23 %40 %3A %20. Prefer a file (`camera.urlFile`).',
      '',
    ),
    sensitive: true,
  },
  urlFile: string(
    'File with the address of the network camera instead of `camera.url`, such as a systemd credential. It is read each time the camera is opened.',
    '',
  ),
  caFile: string(
    'File (PEM) with the certificate of the network camera, or of the authority that issued it. Without it and `camera.fingerprint`, a well-known authority must vouch for the camera.',
    '',
  ),
  fingerprint: string(
    "SHA-256 fingerprint of the network camera's certificate, hexadecimal. Only the camera that has the key of this certificate is read, whatever name is in it. `facelatch doctor` shows the fingerprint that it was shown.",
    '',
    /^(|([0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2})$/,
    '64 hexadecimal digits, with or without colons',
  ),
  trustNetwork: flag(
    'Whether a network camera may be read without encryption (`rtsp://`, `http://`, `tcp://`) over a network. Anybody on that network can read the password and show the door other pictures. Not needed for a camera server on this machine.',
    false,
  ),
  allowVirtual: flag(
    'Whether a virtual USB camera (v4l2loopback, vivid) may be used. Any program that may write to it shows the door what it likes.',
    false,
  ),
  binding: choice(
    "Whether a USB camera in the place of this door's own is refused as tampering. `camera`: model and serial number must stay the same as when the camera was first opened; `camera-and-port`: the USB port too; `off`: any camera. After a change of your own: `facelatch camera bind`.",
    'camera',
    ['off', 'camera', 'camera-and-port'],
  ),
  width: whole('Wanted width of the picture. The camera uses the nearest that it offers. Pixels.', 640, 160, 4096),
  height: whole('Wanted height of the picture. Pixels.', 480, 120, 4096),
  fps: number('Wanted frames per second.', 15, 1, 60),
  rotate: quarterTurn(
    'Turns the picture clockwise, for a camera that is mounted on its side or upside down. `auto` turns nothing, but looks how the camera is mounted when the first faces appear, and reports the setting that it needs (also `facelatch doctor`). Degrees.',
  ),
  mirror: flag('Exchanges left and right, after `camera.rotate`.', false),
  freezeMs: whole(
    'A camera that delivers no new picture for this long is frozen: it is reported, closed and opened again. Milliseconds.',
    5000,
    500,
    600_000,
  ),
  stillMs: whole(
    'A camera whose picture shows nothing new for this long, but in a small part such as a clock, is frozen too. A quiet scene has noise and is not taken for it. At least 10 s; 0 turns the check off. Milliseconds.',
    60_000,
    0,
    3_600_000,
  ),
  darkLevel: number(
    'A picture whose mean brightness (0 to 255) is below this is dark: a covered lens or a broken sensor. 0 turns the check off.',
    4,
    0,
    255,
  ),
  darkMs: whole('A camera that is dark for this long is reported. Milliseconds.', 30_000, 1000, 3_600_000),
  retryMinMs: whole(
    'Wait before the first attempt to open a failed camera again. The wait doubles with each attempt. Milliseconds.',
    500,
    50,
    600_000,
  ),
  retryMaxMs: whole('Longest wait between two attempts. Milliseconds.', 30_000, 100, 3_600_000),
  zones: zones(
    "Where in the picture a face counts: its middle must lie in one of the polygons of `include` (none: anywhere), and in none of `ignore`. Corners are shares of the picture: [0, 0] is the top left, [1, 1] the bottom right. For a poster, a screen, or a neighbour's door.",
  ),
  infrared: {
    device: string(
      'A second, infrared USB camera beside the first, whose own lamp is on in every second frame: a name in /dev/v4l/by-id, or a path. It tells skin from paper and displays (docs/use/liveness.md). Empty: there is none.',
      '',
    ),
    width: whole('Wanted width of its picture. Pixels.', 640, 160, 4096),
    height: whole('Wanted height of its picture. Pixels.', 360, 120, 4096),
    fps: number('Its frames per second, lit and unlit together.', 30, 2, 60),
  },
  replay: {
    from: string('What `replay` plays: `demo`, a folder of pictures, or a video file.', 'demo', /./, '`demo`, a folder or a file'),
    speed: number(
      'Speed of the replay: 1 is real time, 2 is twice as fast. 0 plays as fast as the door can read, on a clock of its own.',
      1,
      0,
      100,
    ),
    loop: flag('Start again at the end.', false),
    visits: whole('Number of visits that the demo plays. 0: it never ends.', 0, 0, 1_000_000),
    seed: whole('Seed of the demo. The same seed gives the same visits.', 1, 0, 2_147_483_647),
    enrolled: names('Demo people who are enrolled when the demo starts. All others are strangers.', [
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
    'The network that finds faces: the name of a folder in models/, or the path of a folder with a manifest.json.',
    'detector',
    /./,
    'a name or path',
  ),
  embedder: string(
    'The network that turns a face into an embedding (the Siamese twin): the name of a folder in models/, or a path.',
    'embedder',
    /./,
    'a name or path',
  ),
  threads: whole('Threads for one inference.', 2, 1, 64),
  provider: choice(
    'What runs the networks: `cpu`, or an NVIDIA GPU through `cuda` or `tensorrt`. Both need an ONNX Runtime that was built for them (docs/start/jetson.md).',
    'cpu',
    ['cpu', 'cuda', 'tensorrt'],
  ),
  idleFps: number(
    'Frames per second that are examined after the visitor was let in or denied, and, while nobody has been seen for two seconds, as long as the scene changes. A frame that differs from the one examined last is examined at once, for some seconds; a scene that does not change once a second. Saves power. 0: examine all frames.',
    4,
    0,
    60,
  ),
  posterMs: whole(
    'A face that does not move for this long is a poster or a screen: it is reported, and its place is left out until it moves or another face is there. 0: never. Milliseconds.',
    60_000,
    0,
    86_400_000,
  ),
  quality: {
    minInterEyePx: number('Smallest distance between the eyes. A smaller face is `too-small`. Pixels.', 24, 4, 1000),
    minContrast: number(
      'Lowest contrast of the face: how far its larger areas differ in brightness. A face with less is `too-dark` (or, in a bright picture, `too-bright`). Not the brightness itself, which depends on the skin. Levels of 255.',
      1.5,
      0,
      100,
    ),
    minContrastToNoise: number('Lowest contrast, as a multiple of the noise of the picture. A face with less is `too-dark`.', 0.9, 0, 100),
    maxClipped: number('Largest share of the face that may be plain white. A face with more is `too-bright`.', 0.65, 0, 1),
    minSharpness: number(
      'Lowest sharpness of the face (variance of the Laplacian divided by the variance of the luma). A softer face is `blurred`.',
      0.0066,
      0,
      10,
    ),
    maxTurnDeg: number(
      'Largest turn of the head to the side, up or down. A face that is turned further is `turned-away`. Degrees.',
      40,
      5,
      90,
    ),
    maxRollDeg: number('Largest lean of the head to a shoulder. A face that leans further is `turned`. Degrees.', 45, 5, 180),
    minScore: number(
      'Lowest confidence of the detector that this is an upright face, 0 to 1. A face below it is `uncertain`. It never counts.',
      0.7,
      0,
      1,
    ),
    minFitness: number(
      "Lowest fitness of a face at the door, 0 to 1, where the embedder measures it: how much of the identity can be told. A face below it is `unfit`. −1: what the network's manifest says.",
      -1,
      -1,
      1,
    ),
    minEnrolmentFitness: number(
      'The same for a picture that is to be enrolled. There a face with covered eyes (sunglasses) or a covered mouth (mask, scarf) is `unfit` too, whatever its fitness, if the manifest has rules for it.',
      -1,
      -1,
      1,
    ),
    dominance: number(
      "A second face whose area is at least this share of the largest face's makes the picture `several-faces`, and the door waits.",
      0.5,
      0.05,
      1,
    ),
  },
};

export const identity = {
  policy: choice(
    "How a match is accepted. `target-fmr`: by a false-match rate, through the network's calibration. `paper`: by the paper's detection and verification thresholds over a person's pictures.",
    'target-fmr',
    ['target-fmr', 'paper'],
  ),
  targetFmr: number(
    'For `target-fmr`: false accepts per attempt of a stranger, over the whole gallery. 0.0001 is one in 10,000. Lower is stricter.',
    0.0001,
    1e-9,
    0.1,
  ),
  doorEvidence: flag(
    'For `target-fmr`: whether what this door knows of its own people and visitors moves the threshold. It tightens, and from 8 people on it may loosen as well; `facelatch strictness` shows it.',
    true,
  ),
  ambiguityMargin: number(
    'If the second-best person is within this distance of the best, the face is ambiguous and the door stays locked. Logits.',
    1.5,
    0,
    100,
  ),
  detection: number(
    'For `paper`: the detection threshold, the probability above which one verification picture counts as a match.',
    0.99,
    0.000001,
    0.999999,
  ),
  verification: number("For `paper`: the verification threshold, the share of a person's pictures that must match.", 0.8, 0.000001, 1),
};

export const enrolment = {
  maxSessions: whole('Enrolment sessions over MQTT that may run at the same time.', 4, 1, 64),
  sessionMs: whole(
    'A session without activity for this long is discarded, and its pictures are deleted. Milliseconds.',
    600_000,
    1000,
    86_400_000,
  ),
  maxPictures: whole('Most pictures in one session. They stay in memory until the session is committed.', 50, 1, 500),
  keptPictures: whole(
    'Most pictures of one person that are stored. Of more, those that differ most from each other are kept and the others are left out; more than twenty hardly help.',
    20,
    2,
    500,
  ),
  maxPictureBytes: whole('Largest picture that is accepted. Bytes.', 8_000_000, 10_000, 64_000_000),
  intervalMs: whole(
    "Time between two pictures taken with the door's own camera, so that the person can move. Milliseconds.",
    1500,
    100,
    60_000,
  ),
};
