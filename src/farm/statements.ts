/**
 * The form of what doors and trainers tell each other: orders, receipts, checkpoints, results, and the presence of a
 * trainer. Compiled once; seal.ts checks what it reads with them.
 */
import type { Job } from 'bullmq';
import { Compile, type Static, Type } from '../base/schema.ts';
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

/** The public part of a door or a trainer. */
const card = Type.Object({ name, sign: signKey, encrypt: encryptKey });
export const cardForm = Compile(card);

/** Where a stream of encrypted chunks is in Redis, and its key. */
const streamRef = Type.Object({
  id,
  /** 32 bytes, base64url. */
  key: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
  chunks: Type.Integer({ minimum: 1 }),
  bytes: count,
});
export type StreamRef = Static<typeof streamRef>;

/** From a door to its trainers: what to train, and on what. */
const order = Type.Object({
  door: name,
  /** Drawn again each time the door hands the job over, so that what belongs to an earlier submission is refused. */
  submission: id,
  job: name,
  recipe,
  seed: count,
  /** Version of facelatch. */
  engine: Type.String(),
  iat: seconds,
  exp: seconds,
  data: streamRef,
  /** Who may take or continue this job. */
  trainers: Type.Array(card, { minItems: 1 }),
});
export const orderForm = Compile(order);
export type Order = Static<typeof order>;

/** From a door to itself: after a restart it recognises its own order. */
const receipt = Type.Object({ submission: id, job: name, recipe, digest: Type.String(), exp: seconds });
export const receiptForm = Compile(receipt);
export type Receipt = Static<typeof receipt>;

/** From a trainer to the trainer that continues the job. */
const checkpoint = Type.Object({ submission: id, token: count, iat: seconds, data: streamRef });
export const checkpointForm = Compile(checkpoint);

/** From a trainer to the door. */
const result = Type.Object({
  submission: id,
  job: name,
  recipe,
  engine: Type.String(),
  /** The fencing token of the trainer's turn, and the random id that was drawn with it. */
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
export const resultForm = Compile(result);
export type Result = Static<typeof result>;

export const devices = ['cpu', 'webgpu', 'cuda'] as const;
export type Device = (typeof devices)[number];

/** What a trainer says about itself every few seconds. */
const presence = Type.Object({
  name,
  device: Type.Enum([...devices]),
  recipes: Type.Array(Type.String()),
  engine: Type.String(),
  /** The recipe of the job it is working on. */
  busy: Type.Optional(Type.String()),
  iat: seconds,
});
export const presenceForm = Compile(presence);
export type Presence = Static<typeof presence>;

/** A job's progress. It is in Redis unencrypted: figures only, nothing about a face. */
const progress = Type.Object({
  stage: Type.String({ maxLength: 200 }),
  done: Type.Number(),
  total: Type.Number(),
  figures: Type.Optional(figures),
});
export const progressForm = Compile(progress);

/** The data of a queued job: references only. */
const jobData = Type.Object({ submission: id, order: Type.String(), receipt: Type.String() });
export const jobDataForm = Compile(jobData);
export type JobData = Static<typeof jobData>;

/** The return value of a finished job: a reference, sealed for the door. */
const jobResult = Type.Object({ token: count, sealed: Type.String() });
export const jobResultForm = Compile(jobResult);
export type JobResult = Static<typeof jobResult>;

/** A queued job, as BullMQ returns it. */
export type FarmJob = Job<JobData, JobResult>;
