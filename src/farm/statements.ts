/** The form of what door and trainers tell each other: orders, receipts, checkpoints, results, and what a trainer says of itself. */
import type { Job } from 'bullmq';
import Type, { type Static } from 'typebox';
import { recipeNames } from '../retrain/port.ts';

const publicJwk = (crv: 'Ed25519' | 'X25519') =>
  Type.Object({ kty: Type.Literal('OKP'), crv: Type.Literal(crv), x: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }) });
const signKey = publicJwk('Ed25519');
const encryptKey = publicJwk('X25519');
export type PublicJwk = Static<typeof signKey> | Static<typeof encryptKey>;

const name = Type.String({ minLength: 1, maxLength: 128 });
const recipe = Type.Enum([...recipeNames]);
const count = Type.Integer({ minimum: 0 });
/** Seconds since 1970. */
const seconds = Type.Number({ minimum: 0 });
const id = Type.String({ pattern: '^[A-Za-z0-9_.-]{1,128}$' });
const figures = Type.Record(Type.String(), Type.Number());

/** Where a stream of encrypted chunks lies, and the key that opens it. */
export const streamRef = Type.Object({
  id,
  /** 32 bytes, base64url. */
  key: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
  chunks: Type.Integer({ minimum: 1 }),
  bytes: count,
});
export type StreamRef = Static<typeof streamRef>;

/** From the door to its trainers: what to train, and on what. */
export const order = Type.Object({
  door: name,
  /** One handing-over of a job: drawn anew whenever the door begins it again, so that what belongs to an older one is refused. */
  submission: id,
  job: name,
  recipe,
  seed: count,
  /** Version of facelatch. */
  engine: Type.String(),
  iat: seconds,
  exp: seconds,
  data: streamRef,
  /** Everyone who may take this job, or go on with it. */
  trainers: Type.Array(Type.Object({ name, sign: signKey, encrypt: encryptKey }), { minItems: 1 }),
});
export type Order = Static<typeof order>;

/** From the door to itself, so that it knows its own order again after a restart. */
export const receipt = Type.Object({ submission: id, job: name, recipe, digest: Type.String(), exp: seconds });
export type Receipt = Static<typeof receipt>;

/** From a trainer to whoever goes on with the job. */
export const checkpoint = Type.Object({ submission: id, token: count, iat: seconds, data: streamRef });

/** From a trainer to the door. */
export const result = Type.Object({
  submission: id,
  job: name,
  recipe,
  engine: Type.String(),
  /** The fencing token of the trainer's turn, and the random word that was drawn with it. */
  token: count,
  lease: id,
  iat: seconds,
  data: streamRef,
  calibration: Type.Object({
    population: Type.String(),
    impostorPairs: count,
    genuinePairs: count,
    table: Type.Array(Type.Object({ fmr: Type.Number(), logit: Type.Number(), fnmr: Type.Number() })),
  }),
  seconds: Type.Number(),
  figures,
});
export type Result = Static<typeof result>;

export const devices = ['cpu', 'webgpu', 'cuda'] as const;
export type Device = (typeof devices)[number];

/** What a trainer says of itself, every few seconds. */
export const presence = Type.Object({
  name,
  device: Type.Enum([...devices]),
  recipes: Type.Array(Type.String()),
  engine: Type.String(),
  /** The recipe of the job that it is at. */
  busy: Type.Optional(Type.String()),
  iat: seconds,
});
export type Presence = Static<typeof presence>;

/** A job's progress, as it stands in Redis in the clear: figures and nothing of a face. */
export const progress = Type.Object({
  stage: Type.String({ maxLength: 200 }),
  done: Type.Number(),
  total: Type.Number(),
  figures: Type.Optional(figures),
});

/** What stands in a job of the queue: references only. */
export const jobData = Type.Object({ submission: id, order: Type.String(), receipt: Type.String() });
export type JobData = Static<typeof jobData>;

/** What a finished job gives back: a reference, sealed for the door. */
export const jobResult = Type.Object({ token: count, sealed: Type.String() });
export type JobResult = Static<typeof jobResult>;

/** A job of the queue, as BullMQ gives it out. */
export type FarmJob = Job<JobData, JobResult>;
