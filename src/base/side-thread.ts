/**
 * Work that the deciding thread must not do: a request goes in, a worker thread of low priority answers it. The thread
 * is started with the first request and lets the process end. Whoever opens it owns it; disposing of it ends it, and a
 * request after that starts another.
 */
import { setPriority } from 'node:os';
import { parentPort, Worker } from 'node:worker_threads';

export interface SideThread<Request, Answer> extends AsyncDisposable {
  /**
   * Undefined where too many requests wait, where the answer takes longer than `patienceMs`, or where the thread ended.
   * `ahead`: goes before those that wait.
   */
  ask(request: Request, how?: { readonly ahead?: boolean }): Promise<Answer | undefined>;
}

export interface SideThreadOptions {
  /** The module of the thread; it calls `answerRequests`. */
  readonly module: URL;
  readonly data?: unknown;
  /** The most requests that wait, of those that go ahead and of the others each. */
  readonly mostWaiting: number;
  /** The longest time from the request to its answer, milliseconds. */
  readonly patienceMs: number;
  /** The most memory of the thread's JavaScript, MiB. */
  readonly heapMb: number;
  /** The share of time that the thread may work, 0…1: after each answer it rests accordingly. Default 1. */
  readonly share?: number;
  /** The thread ends and gives its memory back (25 MB) when nothing was asked for this long. Default 30,000 ms. */
  readonly idleMs?: number;
}

const usualIdleMs = 30_000;

interface Waiting<Request, Answer> {
  readonly request: Request;
  readonly settle: (answer: Answer | undefined) => void;
}

interface Answered<Answer> {
  readonly answer: Answer;
  readonly tookMs: number;
}

interface State<Request, Answer> {
  readonly options: SideThreadOptions;
  readonly ahead: Waiting<Request, Answer>[];
  readonly others: Waiting<Request, Answer>[];
  worker: Worker | undefined;
  underWay: Waiting<Request, Answer> | undefined;
  resting: boolean;
  /** Ends an idle thread. */
  idle: NodeJS.Timeout | undefined;
}

export function sideThread<Request, Answer>(options: SideThreadOptions): SideThread<Request, Answer> {
  const state: State<Request, Answer> = {
    options,
    ahead: [],
    others: [],
    worker: undefined,
    underWay: undefined,
    resting: false,
    idle: undefined,
  };
  return {
    ask: (request, { ahead = false } = {}) => ask(state, request, ahead ? state.ahead : state.others),
    [Symbol.asyncDispose]: async () => {
      const { worker } = state;
      clearTimeout(state.idle);
      ended(state);
      for (const { settle } of [...state.ahead.splice(0), ...state.others.splice(0)]) settle(undefined);
      await worker?.terminate();
    },
  };
}

function ask<Request, Answer>(
  state: State<Request, Answer>,
  request: Request,
  queue: Waiting<Request, Answer>[],
): Promise<Answer | undefined> {
  if (queue.length >= state.options.mostWaiting) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const waiting = {
      request,
      settle: (answer: Answer | undefined) => {
        clearTimeout(timer);
        resolve(answer);
      },
    };
    // What is under way stays so until the thread has answered: it cannot be interrupted from here.
    const timer = setTimeout(() => {
      const at = queue.indexOf(waiting);
      if (at >= 0) queue.splice(at, 1);
      resolve(undefined);
    }, state.options.patienceMs);
    queue.push(waiting);
    next(state);
  });
}

function next<Request, Answer>(state: State<Request, Answer>): void {
  if (state.underWay || state.resting) return;
  const waiting = state.ahead.shift() ?? state.others.shift();
  if (!waiting) return;
  state.underWay = waiting;
  clearTimeout(state.idle);
  state.worker ??= start(state);
  // An idle thread does not keep the process.
  state.worker.ref();
  state.worker.postMessage(waiting.request);
}

function start<Request, Answer>(state: State<Request, Answer>): Worker {
  const { module, data, heapMb } = state.options;
  // With the usual young generation a thread grows by 60 MB more (measured).
  const resourceLimits = { maxOldGenerationSizeMb: heapMb, maxYoungGenerationSizeMb: 4 };
  const worker = new Worker(module, { workerData: data, resourceLimits });
  worker.on('message', (said: Answered<Answer>) => answered(state, said));
  // An error is followed by the exit.
  worker.on('error', () => undefined);
  worker.on('exit', () => {
    if (state.worker !== worker) return;
    ended(state);
    next(state);
  });
  return worker;
}

function answered<Request, Answer>(state: State<Request, Answer>, { answer, tookMs }: Answered<Answer>): void {
  const { share = 1, idleMs = usualIdleMs } = state.options;
  state.worker?.unref();
  state.underWay?.settle(answer);
  state.underWay = undefined;
  state.idle = setTimeout(() => void endIdle(state), idleMs).unref();
  const restMs = tookMs * (1 / share - 1);
  state.resting = restMs >= 1;
  if (!state.resting) next(state);
  else
    setTimeout(() => {
      state.resting = false;
      next(state);
    }, restMs);
}

async function endIdle<Request, Answer>(state: State<Request, Answer>): Promise<void> {
  const { worker } = state;
  state.worker = undefined;
  await worker?.terminate();
}

function ended<Request, Answer>(state: State<Request, Answer>): void {
  state.worker = undefined;
  state.underWay?.settle(undefined);
  state.underWay = undefined;
}

/**
 * In the thread: answers each request in turn. What `answer` throws ends the thread. `niceness`, 0…19: the higher, the
 * more it gives way to the rest.
 */
export function answerRequests<Request, Answer>(answer: (request: Request) => Promise<Answer> | Answer, niceness = 10): void {
  const port = parentPort;
  if (!port) throw new Error('this module runs as a worker thread');
  giveWay(niceness);
  port.on('message', async (request: Request) => {
    const startedMs = performance.now();
    const answered: Answered<Answer> = { answer: await answer(request), tookMs: performance.now() - startedMs };
    port.postMessage(answered);
  });
}

/** The calling thread gives way to the rest: 0…19, the higher the more. */
export function giveWay(niceness: number): void {
  try {
    // On Linux this is the priority of the calling thread alone.
    if (process.platform === 'linux') setPriority(niceness);
  } catch {
    // Not permitted: then it works at the usual priority.
  }
}
