/** Settings of learning: at the door, on a farm, and as a trainer. */
import { choice, flag, names, number, secret, string, whole } from './kinds.ts';

export const retrain = {
  recipe: choice(
    'How the network learns from this door. `adapt`: the Siamese twin stays as it is; a projection of its embeddings and the head are learned (seconds). `finetune`: the layers of the twin learn to cope with bad light (minutes of idle processors). `paper`: the paper’s network, from random weights (up to an hour, 2 GB of memory, and rarely good enough).',
    'adapt',
    ['adapt', 'finetune', 'paper'],
  ),
  others: string(
    'Folder, on the machine that trains, with pictures of people who are not enrolled at this door: one folder per person, at least 100 people. `finetune` learns light and noise from them and calibrates on them; `paper` uses up to 200 of them, six pictures each, instead of the demo people. Empty: `finetune` sets aside a quarter of the people of the door, who must be at least 20.',
    '',
    /^/,
    'a folder',
  ),
  where: choice(
    'Where training runs: `door` (here, at low priority, paused while somebody stands at the door) or `farm` (GPU hosts).',
    'door',
    ['door', 'farm'],
  ),
  schedule: string(
    'When training starts by itself, in `access.timeZone`: such as `Sun 03:00` or `daily 03:00`. Empty: only on request. It waits while the clock is not synchronised.',
    '',
    /^$|^(daily|Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([01]\d|2[0-3]):[0-5]\d$/,
    'empty, or a day (Mon … Sun, daily) and a time such as 03:00',
  ),
  threads: whole('Threads for training on the door.', 1, 1, 64),
  priority: choice(
    'Processor priority of the training process: `idle` (SCHED_IDLE: only time that nobody else wants), `low` (nice 19) or `normal`.',
    'idle',
    ['idle', 'low', 'normal'],
  ),
  maxPauseMs: whole(
    'Training pauses while somebody is at the door, for this long at most. After it, training runs two seconds of every ten until the door has been empty, so that a poster on the wall does not stop it forever. 0: no limit. Milliseconds.',
    600_000,
    0,
    86_400_000,
  ),
  keepGrantsDays: whole(
    'Days to keep the picture of a grant, so that somebody can confirm it for training (`facelatch journal mark`). Nothing is learned from it before. 0: keep none.',
    0,
    0,
    365,
  ),
  keepUnknownsDays: whole(
    'Days to keep pictures of people who were denied. They are learned from as strangers, then deleted. 0: keep none.',
    0,
    0,
    365,
  ),
  maxPictures: whole('Most pictures that are kept. The oldest ones that nobody marked are deleted first.', 2000, 10, 100_000),
  checkLabels: flag(
    'Refuse to train if one face seems to be enrolled as two people, or if a picture seems to show somebody else than its label says. Set it to `false` for people who look alike (twins). The same picture under two names is always refused.',
    true,
  ),
  frozenShare: number(
    'Share of the pictures, by person and day, that is used to compare networks and never to train them. 0.2 is a fifth.',
    0.2,
    0.05,
    0.5,
  ),
  decisions: whole('Number of decisions for which a new network is compared with the one before it.', 50, 1, 10_000),
  maxDisagreement: number(
    'If the two networks disagree in more than this share of those decisions, the door goes back to the one before.',
    0.2,
    0,
    1,
  ),
  keepBundles: whole('Trained networks to keep besides the one in use and the one before it. The oldest are deleted first.', 5, 0, 100),
};

export const farm = {
  url: string(
    'Address of the Redis or Valkey server of the farm: `rediss://host:6379` (`redis://` on loopback only). Empty: no farm. docs/learn/farm.md explains how to set one up.',
    '',
    /^$|^rediss?:\/\/[^\s@]+$/,
    'empty, or rediss:// with a host and no user in it',
  ),
  user: string('User name at Redis: of this door, or on a trainer of the trainer.', ''),
  password: secret('Password at Redis. Prefer a file (`farm.passwordFile`).'),
  passwordFile: string('File with the password, such as a systemd credential.', ''),
  caFile: string('File with the certificate authority that signed the certificate of Redis (PEM).', ''),
  prefix: string(
    'Prefix of every key in Redis. It must be the same on doors and trainers.',
    'facelatch-farm',
    /^[A-Za-z0-9_.-]{1,64}$/,
    '1 to 64 of A–Z a–z 0–9 _ . -',
  ),
  trainers: names(
    'Files with the cards of the trainers that may take jobs of this door (`facelatch trainer key create` prints them). Only these trainers can read its pictures, and only their results are accepted.',
    [],
  ),
  ttlMs: whole(
    'How long the encrypted pictures of a job stay in Redis. Then they are deleted, whether the job is done or not. Milliseconds.',
    86_400_000,
    1000,
    2_592_000_000,
  ),
  waitMs: whole('How long a job waits for a trainer that can do it. Milliseconds.', 600_000, 1000, 604_800_000),
  patienceMs: whole('How long Redis may be unreachable before a job is given up. Milliseconds.', 600_000, 1000, 86_400_000),
  maxBundleBytes: whole(
    'Largest set of pictures, checkpoint or result that is sent or accepted. Redis needs three times as much memory. Bytes.',
    1_000_000_000,
    1_000_000,
    64_000_000_000,
  ),
  clockSkewS: whole('Largest difference between the clocks of door, trainer and Redis. Seconds.', 30, 1, 3600),
  jobsPerHour: whole('Most jobs of one recipe that start in an hour, over all trainers. 0: no limit.', 0, 0, 10_000),
};

export const trainer = {
  name: string('Name that doors see for this trainer. Empty: the host name.', '', /^[A-Za-z0-9_.-]{0,64}$/, '0 to 64 of A–Z a–z 0–9 _ . -'),
  keyFile: string(
    'File with the private keys of this trainer (`facelatch trainer key create` makes it).',
    'trainer-key.json',
    /./,
    'a file',
  ),
  doors: names('Files with the cards of the doors that this trainer works for (`facelatch key door` prints them).', []),
  folder: string('Folder for the files of the running job. It is emptied at each start.', 'trainer', /./, 'a folder'),
  recipes: names('Recipes that this trainer takes. Empty: all that it can do.', []),
  device: choice(
    'What `finetune` and `paper` are trained on, as reported to the doors: `cpu`, or a GPU through `webgpu` (needs a Vulkan driver) or `cuda` (needs CUDA, cuDNN and the CUDA libraries of ONNX Runtime).',
    'cpu',
    ['cpu', 'webgpu', 'cuda'],
  ),
  threads: whole('Threads for training.', 2, 1, 256),
  leaseMs: whole('A trainer that is silent for this long loses its job to another trainer. Milliseconds.', 30_000, 500, 3_600_000),
  checkpointMs: whole(
    'How often a new checkpoint is looked for and sent, so that another trainer can continue the job. Milliseconds.',
    10_000,
    100,
    3_600_000,
  ),
};
