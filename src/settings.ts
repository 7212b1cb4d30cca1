/** Every setting of facelatch: its default, what is allowed and its help text, in the order of the reference; one table, searched by name. */
import { logLevels } from './log.ts';
import { deviceModels } from './relay/line.ts';
import {
  choice,
  command,
  dates,
  flag,
  groups,
  isLeaf,
  type Leaf,
  names,
  number,
  schedules,
  secret,
  text,
  timeZone,
  whole,
} from './setting-kinds.ts';

export const schema = {
  door: {
    id: text('Names this door in topics and journal.', 'front-door', /^[A-Za-z0-9_.-]{1,64}$/, '1 to 64 of A–Z a–z 0–9 _ . -'),
  },
  state: {
    folder: text(
      "Where people, journal and lock are kept. Under systemd the unit's StateDirectory is used when this is not set.",
      'state',
      /./,
      'a folder',
    ),
  },
  camera: {
    source: choice(
      'Which camera: `v4l2` (USB camera through ffmpeg), `webcam` (node-webcam and fswebcam, one still at a time), `rtsp` (a network camera through ffmpeg), `replay` (pictures, a video, or the built-in demo visits).',
      'v4l2',
      ['v4l2', 'webcam', 'rtsp', 'replay'],
    ),
    device: text(
      'The USB camera: a name in /dev/v4l/by-id (does not change when cameras are plugged in another order) or a path such as /dev/video0.',
      '/dev/video0',
      /./,
      'a name or path',
    ),
    url: {
      ...text('The network camera (`rtsp://`, `http://` …); may hold user and password and is never shown with them.', ''),
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
      from: text('What `replay` plays: `demo`, a folder of pictures, or a video file.', 'demo', /./, '`demo`, a folder or a file'),
      speed: number('1 is life; 0 is as fast as the door can read, on a clock of its own; another number is a factor.', 1, 0, 100),
      loop: flag('Begin again at the end.', false),
      visits: whole('How many visits the demo plays; 0 for ever.', 0, 0, 1_000_000),
      seed: whole('The demo visits of one seed are always the same.', 1, 0, 2_147_483_647),
      enrolled: names(
        'Which of the demo people are enrolled when the demo starts (from their neutral pictures); the others are strangers.',
        ['p01', 'p03', 'p05', 'p07', 'p09', 'p11', 'p13', 'p15'],
      ),
    },
  },
  face: {
    detector: text(
      'The face detector: a folder in models/ by name, or a path to a folder with a manifest.json.',
      'detector',
      /./,
      'a name or path',
    ),
    embedder: text('The embedder (the Siamese twin), likewise.', 'embedder', /./, 'a name or path'),
    threads: whole('Threads of one inference.', 2, 1, 64),
    provider: choice(
      'What computes the networks: `cpu`, or an NVIDIA GPU through `cuda` or `tensorrt`, which need an ONNX Runtime built for them (docs/jetson.md).',
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
  },
  identity: {
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
  },
  enrolment: {
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
  },
  access: {
    armed: flag('When false the door opens for nobody by face.', true),
    votes: whole('Agreeing frames that open the door.', 3, 1, 50),
    window: whole('… among so many latest frames with a face.', 5, 1, 100),
    windowMs: whole('… captured within this time. Milliseconds.', 2000, 100, 60_000),
    maxFrameAgeMs: whole('A frame older than this never opens the door. Milliseconds.', 1000, 50, 60_000),
    absenceMs: whole('When no face has been seen for so long the visit is over. Milliseconds.', 700, 100, 60_000),
    denyAfterMs: whole(
      'A visitor who has not been recognised for so long is journalled as denied (and again each time it passes). Milliseconds.',
      5000,
      500,
      600_000,
    ),
    cooldownMs: whole('After a grant the same person is not granted again for so long. Milliseconds.', 8000, 0, 600_000),
    togetherMs: whole('How long a PIN, or the first of two people, counts. Milliseconds.', 15_000, 1000, 300_000),
    lockOut: {
      failures: whole(
        'Failed presentations in a row (visitors who were not recognised, not frames) that lock faces out; 0: never.',
        5,
        0,
        100,
      ),
      firstMs: whole(
        'The first lock-out; each further one without a grant between is twice as long. PIN, button and remote go on. Milliseconds.',
        30_000,
        1000,
        3_600_000,
      ),
      maxMs: whole('No lock-out is longer. Milliseconds.', 3_600_000, 1000, 86_400_000),
    },
    timeZone: timeZone('Time zone of the schedules.', 'UTC'),
    holidays: dates('Local dates on which only the `holidays` rows of schedules count.'),
    schedules: schedules(
      'Schedules by name: rows such as `"Mon-Fri 08:00-18:00"`, `"Sat,Sun 10:00-24:00"`, `"daily 22:00-06:00"`, `"holidays 10:00-12:00"`.',
    ),
    groups: groups(
      'Groups by name: `{"schedule": "office", "pin": true, "secondPerson": true}`, each optional. Of several groups the one that asks least counts.',
    ),
    admits: names('Groups that this door lets in; empty: everyone enrolled.', []),
    unsureClock: choice(
      'People bound to times while the clock is not known to be right (never set, or jumped and not synchronised): `deny` or `allow`.',
      'deny',
      ['deny', 'allow'],
    ),
    antiPassback: flag('Who came in is let in again only after an exit reader has seen them leave (`door.left`).', false),
    heldOpenMs: whole('The door open for longer is an alarm; 0: never. Milliseconds.', 60_000, 0, 86_400_000),
    graceMs: whole('After a release the door may be opened for so long without being forced. Milliseconds.', 5000, 0, 600_000),
    tamperBlockMs: whole(
      'How long the tamper switch blocks face and remote opening, also across restarts. Milliseconds.',
      600_000,
      0,
      86_400_000,
    ),
    journalDown: choice('When the journal cannot be written: `deny` everyone, or `open` for enrolled people without a record.', 'deny', [
      'deny',
      'open',
    ]),
  },
  relay: {
    kind: choice(
      'What opens the lock: `gpiod` (a GPIO line of this computer), `onoff` (the same on the old sysfs interface), `http` or `mqtt` (a relay on the network, `relay.device`), `dry` (nothing: prints and remembers).',
      'dry',
      ['dry', 'gpiod', 'onoff', 'http', 'mqtt'],
    ),
    chip: text('Label of the GPIO chip of the relay line, such as `pinctrl-bcm2711`; `facelatch relay lines` shows what is there.', ''),
    line: text(
      'Name of the relay line on that chip, such as `GPIO17`; `#17` is the line at that place, for chips without names and for `onoff`.',
      '',
    ),
    activeLow: flag('The relay board switches on when the line is low.', false),
    wiring: choice(
      'What unlocks: `fail-secure` (current on, an electric strike; locked when the power fails) or `fail-safe` (current off, a magnet; open when the power fails).',
      'fail-secure',
      ['fail-secure', 'fail-safe'],
    ),
    pulseMs: whole('How long the lock is released. Milliseconds.', 3000, 50, 60_000),
    maxMs: whole('No pulse is ever longer. Milliseconds.', 10_000, 50, 600_000),
    maxHoldMs: whole('The door is never held released longer. Milliseconds.', 3_600_000, 1000, 86_400_000),
    trustBroker: flag(
      'Allow `relay.kind` `mqtt`: whoever holds the broker, or may write to the topic of the relay, then opens this door.',
      false,
    ),
    device: {
      model: choice(
        'What the relay on the network understands: `shelly` (generation 2 and later; `http` or `mqtt`), `shelly-gen1` (`http`), `tasmota` (both), `zigbee2mqtt` (`mqtt`), `own` (the commands below).',
        'shelly',
        deviceModels,
      ),
      address: text(
        'Where it is: by `http` its address, such as `http://192.168.1.20`; by `mqtt` its topic, such as `zigbee2mqtt/front-lock`.',
        '',
      ),
      channel: whole('Which of its relays, from 0.', 0, 0, 31),
      release: command(
        'Model `own`: the command that switches it on, as `GET http://…`, `POST http://… BODY`, or over MQTT `TOPIC PAYLOAD`. `{s}` (whole seconds, rounded up) or `{ms}` in it tells the device when to switch off by itself.',
      ),
      lock: command('Model `own`: the command that switches it off.'),
      ask: command(
        'Model `own`: the command that asks for its state, and moves nothing; without it (`http` only) the device is not asked before it is released, and that it took a command is all there is to know.',
      ),
      reports: text('Model `own` over MQTT: the topic of its reports.', '', /^[^+#\0]*$/, 'a topic without + and #'),
      released: text('Model `own`: what an answer or report holds when it is on, such as `"output":true`.', ''),
      locked: text('Model `own`: what it holds when it is off.', ''),
      endsItself: flag(
        'Model `own` whose `release` holds no `{s}` or `{ms}`: the device is set up to switch off by itself after some seconds.',
        false,
      ),
      timeoutMs: whole(
        'Each answer of the device is waited for so long; a command to release is never sent later. Milliseconds.',
        1500,
        100,
        5000,
      ),
      user: text('User name at the device (`http`); empty: `admin`.', ''),
      passwordFile: text(
        'A file that holds the password at the device (`http`), readable by the service alone; no systemd credential, which is not there after a crash.',
        '',
      ),
      caFile: text("The certificate authority of the device's certificate (`https`, PEM).", ''),
    },
  },
  inputs: {
    kind: choice('Where door contact, exit button and tamper switch are read: `gpiod`, `onoff` (old sysfs interface), or `none`.', 'none', [
      'none',
      'gpiod',
      'onoff',
    ]),
    chip: text('Label of the GPIO chip of the inputs; empty: the chip of the relay.', ''),
    contact: text('Line of the door contact (active: the door is open); empty: none.', ''),
    exit: text('Line of the request-to-exit button (active: pressed); empty: none. People must get out without it too.', ''),
    tamper: text('Line of the tamper switch (active: the case is open); empty: none.', ''),
    activeLow: names('Inputs that are active while their line is low (a switch to ground).', ['contact', 'exit', 'tamper']),
    bias: choice('Resistor that the computer puts on the inputs (gpiod only).', 'pull-up', ['as-is', 'pull-up', 'pull-down']),
    debounceMs: whole('A level counts once it has been the same for so long. Milliseconds.', 50, 0, 5000),
  },
  mqtt: {
    enabled: flag('Publish events over MQTT.', false),
    url: text(
      'The broker: `mqtt://host:1883`, `mqtts://host:8883`, `ws://` or `wss://`.',
      'mqtt://127.0.0.1:1883',
      /^(mqtts?|wss?|tcp|tls):\/\/[^\s@]+$/,
      'mqtt://, mqtts://, ws:// or wss:// with a host and no user in it',
    ),
    protocol: choice('MQTT version: `5`, or `3.1.1` for an old broker.', '5', ['5', '3.1.1']),
    prefix: text('First level of every topic.', 'facelatch', /^[^+#\0\s$][^+#\0]*$/, 'text without + and #'),
    user: text('User name at the broker.', ''),
    password: secret('Password at the broker; better in a file (`mqtt.passwordFile`).'),
    passwordFile: text('A file that holds the password (a systemd credential, say).', ''),
    caFile: text("The certificate authority of the broker's certificate (PEM).", ''),
    tlsVersion: choice('Lowest version of TLS that is spoken: `1.3`, or `1.2` for an old broker.', '1.3', ['1.3', '1.2']),
    certFile: text('A certificate of our own, for brokers that ask for one (PEM).', ''),
    keyFile: text('The key of that certificate (PEM).', ''),
    commands: flag('Take commands over MQTT; those that change anything need the signature of an operator (`facelatch key`).', true),
    allowUnsigned: names(
      'Commands, such as `door.open`, that are taken without a signature: then whoever may write to the broker, and the broker itself, can send them.',
      [],
    ),
    snapshots: flag(
      'Answer the command `snapshot` with the newest picture of the camera: a face then leaves the door, to operators.',
      false,
    ),
    maxCommandBytes: whole('A longer command is refused. Bytes.', 1_000_000, 4096, 16_000_000),
    maxCommandLifeS: whole('A signed command that lives longer is refused. Seconds.', 60, 1, 3600),
    clockSkewS: whole("How far an operator's clock may differ from this one. Seconds.", 10, 0, 300),
    clockCheck: flag(
      'Refuse signed commands while the clock is not synchronised: without the time an old command looks like a new one.',
      true,
    ),
    homeAssistant: {
      enabled: flag(
        'Tell Home Assistant of this door (MQTT discovery): lock, attempts, sensors, switch (docs/home-assistant.md). Set back to false, the door is taken out of it again.',
        false,
      ),
      prefix: text("Home Assistant's discovery prefix.", 'homeassistant', /^[^+#\0\s$][^+#\0]*$/, 'text without + and #'),
      person: choice(
        'How Home Assistant is told who was let in: `off` (not at all), `id` (as in the events), or `name`: then names leave the door, unencrypted but for TLS, and Home Assistant keeps them in its history.',
        'id',
        ['off', 'id', 'name'],
      ),
      image: flag(
        'Send the picture of each attempt, as JPEG of at most 480 pixels: then faces leave the door, of strangers too, and whoever may read from the broker sees them.',
        false,
      ),
    },
    drainPerS: whole('After an outage events go out at this rate, at most. A second.', 5000, 1, 1_000_000),
    embedded: flag('Run a broker of our own on loopback (for the demo; MQTT 3.1.1).', false),
    embeddedPort: whole("The embedded broker's port.", 18_830, 1, 65_535),
  },
  retrain: {
    recipe: choice(
      'How the network learns from this door: `adapt` (the twin stays, a projection of its embeddings and the head are learned; seconds). `paper` (the paper’s network from its first weights: up to an hour, 2 GB of memory, and hardly ever good enough). `finetune` (the twin’s own layers learn to see through bad light, some minutes of idle processors).',
      'adapt',
      ['adapt', 'finetune', 'paper'],
    ),
    others: text(
      'Folder of pictures of people who are nobody at this door (one folder for each person, 100 people at least), where training runs: `finetune` learns light and noise from them too and calibrates on them; `paper` takes up to 200 of them, six pictures each, in place of the people of the demo. Empty: `finetune` keeps a quarter of the people of the door aside, of 20 at least.',
      '',
      /^/,
      'a folder',
    ),
    where: choice(
      'Where it learns: `door` (here, at low priority, paused while somebody stands at the door) or `farm` (GPU hosts).',
      'door',
      ['door', 'farm'],
    ),
    schedule: text(
      'When it learns by itself, in `access.timeZone`: `Sun 03:00`, `daily 03:00`; empty: only when asked. It waits while the clock is not synchronised.',
      '',
      /^$|^(daily|Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([01]\d|2[0-3]):[0-5]\d$/,
      'empty, or a day (Mon … Sun, daily) and a time such as 03:00',
    ),
    threads: whole('Threads of training on the door.', 1, 1, 64),
    priority: choice(
      'What the process that trains gets of the processor: `idle` (only what nobody else wants: SCHED_IDLE), `low` (nice 19) or `normal`.',
      'idle',
      ['idle', 'low', 'normal'],
    ),
    maxPauseMs: whole(
      'Training stands still while somebody is at the door, for so long at most: past it, it works two seconds of every ten until the door has been empty, so that a poster does not stop it for good. 0: without end. Milliseconds.',
      600_000,
      0,
      86_400_000,
    ),
    keepGrantsDays: whole(
      'Keep the picture of a grant for so many days, so that a person can confirm it for training (`facelatch journal mark`); nothing is learned from it before. 0: keep none.',
      0,
      0,
      365,
    ),
    keepUnknownsDays: whole(
      'Keep pictures of people who were turned away for so many days, to learn from as strangers; then they are deleted. 0: keep none.',
      0,
      0,
      365,
    ),
    maxPictures: whole('Pictures kept in all, at most; those that nobody marked and that are oldest give way.', 2000, 10, 100_000),
    checkLabels: flag(
      'Refuse to learn where one face seems to be enrolled as two people, or a picture to show somebody else than its label says; `false` where two people are so alike (twins). The very same picture under two names is refused either way.',
      true,
    ),
    frozenShare: number(
      'Share of the pictures, by person and day, on which networks are compared and from which none learns; 0.2 is a fifth.',
      0.2,
      0.05,
      0.5,
    ),
    decisions: whole('A new champion is watched for so many decisions, beside the network before it.', 50, 1, 10_000),
    maxDisagreement: number(
      'When the two differ in more than this share of those decisions, the door goes back to the one before by itself.',
      0.2,
      0,
      1,
    ),
    keepBundles: whole('Trained networks kept beside the champion and the one before it; the oldest give way.', 5, 0, 100),
  },
  metrics: {
    enabled: flag('Serve metrics for Prometheus on `http://127.0.0.1:18831/metrics`; no name or id of a person is in them.', false),
    host: text(
      'The address they are served on; one that other machines reach needs `metrics.anyAddress`.',
      '127.0.0.1',
      /^[0-9A-Za-z.:-]+$/,
      'an address or host name',
    ),
    port: whole('The port.', 18_831, 1, 65_535),
    anyAddress: flag('Allow an address that is not loopback: then whoever reaches it sees when people come and go.', false),
  },
  farm: {
    url: text(
      'Redis or Valkey of the farm that trains for this door: `rediss://host:6379` (`redis://` on loopback only); empty: none. docs/farm.md sets one up.',
      '',
      /^$|^rediss?:\/\/[^\s@]+$/,
      'empty, or rediss:// with a host and no user in it',
    ),
    user: text("This door's user there; a trainer's own on a trainer.", ''),
    password: secret('Its password; better in a file (`farm.passwordFile`).'),
    passwordFile: text('A file that holds the password (a systemd credential, say).', ''),
    caFile: text("The certificate authority of Redis's certificate (PEM).", ''),
    prefix: text(
      'First part of every key in Redis; the same on doors and trainers.',
      'facelatch-farm',
      /^[A-Za-z0-9_.-]{1,64}$/,
      '1 to 64 of A–Z a–z 0–9 _ . -',
    ),
    trainers: names(
      'Files with the cards of the trainers that may take jobs of this door (`facelatch trainer key create` prints them): only they can read its pictures, only their results are taken.',
      [],
    ),
    ttlMs: whole(
      'How long the encrypted pictures of a job may lie in Redis; then they are gone, done or not. Milliseconds.',
      86_400_000,
      1000,
      2_592_000_000,
    ),
    waitMs: whole('How long a job waits while no trainer is there that can do it. Milliseconds.', 600_000, 1000, 604_800_000),
    patienceMs: whole('How long Redis may be gone before a job is given up. Milliseconds.', 600_000, 1000, 86_400_000),
    maxBundleBytes: whole(
      'Pictures, a checkpoint or a result that are longer are neither sent nor taken; Redis needs memory for three times as much. Bytes.',
      1_000_000_000,
      1_000_000,
      64_000_000_000,
    ),
    clockSkewS: whole('How far the clocks of door, trainer and Redis may differ. Seconds.', 30, 1, 3600),
    jobsPerHour: whole(
      'At most so many turns at jobs of one recipe begin in an hour, over all trainers; 0: as many as come.',
      0,
      0,
      10_000,
    ),
  },
  trainer: {
    name: text('Names this trainer to doors; empty: the name of the host.', '', /^[A-Za-z0-9_.-]{0,64}$/, '0 to 64 of A–Z a–z 0–9 _ . -'),
    keyFile: text('The private keys of this trainer (`facelatch trainer key create` makes them).', 'trainer-key.json', /./, 'a file'),
    doors: names('Files with the cards of the doors that it works for (`facelatch key door` prints them).', []),
    folder: text('Where a job has its files while it is at it; emptied at each start.', 'trainer', /./, 'a folder'),
    recipes: names('Which recipes it takes; empty: all that it can do.', []),
    device: choice(
      'What `finetune` and `paper` are trained on, and what it tells the doors: the processor, or a GPU by `webgpu` (a Vulkan driver is enough) or `cuda` (needs CUDA, cuDNN and ONNX Runtime’s own libraries for them).',
      'cpu',
      ['cpu', 'webgpu', 'cuda'],
    ),
    threads: whole('Threads of training.', 2, 1, 256),
    leaseMs: whole('A trainer that has not been heard of for so long has lost its job to another. Milliseconds.', 30_000, 500, 3_600_000),
    checkpointMs: whole(
      'How often it looks for a new checkpoint of its job and sends it, so that another trainer could go on from there. Milliseconds.',
      10_000,
      100,
      3_600_000,
    ),
  },
  log: {
    level: choice('What is logged.', 'info', [...logLevels]),
  },
};

/** Every setting by its dotted path. */
export function leaves(): ReadonlyMap<string, Leaf<unknown>> {
  const found = new Map<string, Leaf<unknown>>();
  const walk = (node: object, path: string) => {
    for (const [key, value] of Object.entries(node)) {
      const at = path ? `${path}.${key}` : key;
      if (isLeaf(value)) found.set(at, value);
      else walk(value, at);
    }
  };
  walk(schema, '');
  return found;
}

/** `camera.retryMinMs` → `FACELATCH_CAMERA_RETRY_MIN_MS`. */
export function envName(path: string): string {
  return `FACELATCH_${path
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll('.', '_')
    .toUpperCase()}`;
}
