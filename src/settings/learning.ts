/** Settings of learning: at the door, on a farm, as a trainer. */
import { choice, flag, names, number, secret, string, whole } from './kinds.ts';

export const retrain = {
  recipe: choice(
    'How the network learns from this door: `adapt` (the twin stays, a projection of its embeddings and the head are learned; seconds). `paper` (the paper’s network from its first weights: up to an hour, 2 GB of memory, and hardly ever good enough). `finetune` (the twin’s own layers learn to see through bad light, some minutes of idle processors).',
    'adapt',
    ['adapt', 'finetune', 'paper'],
  ),
  others: string(
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
  schedule: string(
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
};

export const farm = {
  url: string(
    'Redis or Valkey of the farm that trains for this door: `rediss://host:6379` (`redis://` on loopback only); empty: none. docs/learn/farm.md sets one up.',
    '',
    /^$|^rediss?:\/\/[^\s@]+$/,
    'empty, or rediss:// with a host and no user in it',
  ),
  user: string("This door's user there; a trainer's own on a trainer.", ''),
  password: secret('Its password; better in a file (`farm.passwordFile`).'),
  passwordFile: string('A file that holds the password (a systemd credential, say).', ''),
  caFile: string("The certificate authority of Redis's certificate (PEM).", ''),
  prefix: string(
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
  jobsPerHour: whole('At most so many turns at jobs of one recipe begin in an hour, over all trainers; 0: as many as come.', 0, 0, 10_000),
};

export const trainer = {
  name: string('Names this trainer to doors; empty: the name of the host.', '', /^[A-Za-z0-9_.-]{0,64}$/, '0 to 64 of A–Z a–z 0–9 _ . -'),
  keyFile: string('The private keys of this trainer (`facelatch trainer key create` makes them).', 'trainer-key.json', /./, 'a file'),
  doors: names('Files with the cards of the doors that it works for (`facelatch key door` prints them).', []),
  folder: string('Where a job has its files while it is at it; emptied at each start.', 'trainer', /./, 'a folder'),
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
};
