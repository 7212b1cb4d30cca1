/**
 * A worker thread that is called like a function: requests go in, answers come out, one after the other. Whoever opens
 * it owns it; disposing of it ends it after the request in hand.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort, Worker } from 'node:worker_threads';
import { Fault, type FaultCode, messageOf } from '../errors.ts';
import { systemClock } from '../time.ts';
import { allAtOnce, type Overtaken, overtakingQueue } from './overtaking.ts';

export interface CalledThread<Info, Request, Answer> extends AsyncDisposable {
  /** What the thread said of itself when it was ready. */
  readonly info: Info;
  /** Throws what the thread threw; `reader-failed` if it died. `transfer`: memory that goes over without a copy. */
  call(request: Request, transfer?: readonly ArrayBuffer[]): Promise<Answer>;
}

export interface CalledThreadOptions {
  /** The module of the thread; it calls `answerCalls`. */
  readonly module: URL;
  readonly data: unknown;
  /** For people, when it dies: "The face reader's thread ended". */
  readonly ended: string;
}

interface Call<Request> {
  readonly id: number;
  readonly request: Request;
}

type Said<Info, Answer> =
  | { readonly kind: 'ready'; readonly info: Info }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: Answer }
  | { readonly kind: 'fault'; readonly id?: number; readonly code: FaultCode; readonly message: string };

/** Longest time for the request in hand when the thread ends. Milliseconds. */
const endMs = 5000;

/** Pictures lie outside the thread's heap: with the usual young generation it only grows, by 30 MB. */
const youngMb = 4;

/** Answers between two collections of what they left, the pixels of pictures above all. */
const collectEvery = 8;

/** Starts the thread and waits until it is ready. Throws what `open` throws in it. */
export async function openCalledThread<Info, Request, Answer>({
  module,
  data,
  ended,
}: CalledThreadOptions): Promise<CalledThread<Info, Request, Answer>> {
  const worker = new Worker(module, { workerData: data, resourceLimits: { maxYoungGenerationSizeMb: youngMb } });
  const waiting = new Map<number, { resolve: (answer: Answer) => void; reject: (fault: Fault) => void }>();
  const { promise: ready, resolve: opened, reject: failed } = Promise.withResolvers<Info>();
  let death: Fault | undefined;
  let nextId = 1;
  const die = (why: string, cause?: unknown) => {
    death ??= new Fault('reader-failed', `${ended}: ${why}`, cause);
    failed(death);
    for (const { reject } of waiting.values()) reject(death);
    waiting.clear();
  };
  worker.on('error', (error) => die(error instanceof Error ? error.message : String(error), error));
  worker.on('exit', (code) => die(`exit code ${code}`));
  worker.on('message', (said: Said<Info, Answer>) => {
    if (said.kind === 'ready') return opened(said.info);
    if (said.kind === 'fault' && said.id === undefined) return failed(new Fault(said.code, said.message));
    const call = waiting.get(said.id ?? 0);
    waiting.delete(said.id ?? 0);
    if (said.kind === 'answer') call?.resolve(said.answer);
    else call?.reject(new Fault(said.code, said.message));
  });
  const info = await ready.catch(async (error) => {
    await worker.terminate();
    throw error;
  });
  return {
    info,
    call: (request, transfer = []) =>
      new Promise((resolve, reject) => {
        if (death) return reject(death);
        const id = nextId++;
        waiting.set(id, { resolve, reject });
        worker.postMessage({ id, request } satisfies Call<Request>, transfer);
      }),
    [Symbol.asyncDispose]: () => endOf(worker),
  };
}

/**
 * The thread ends by itself, after the request in hand: a thread that is stopped while a network runs takes the whole
 * process with it (ONNX Runtime throws where nothing catches it).
 */
async function endOf(worker: Worker): Promise<void> {
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  worker.once('exit', () => resolve());
  if (worker.threadId === -1) return;
  worker.postMessage('end');
  const hung = setTimeout(() => void worker.terminate(), endMs);
  await gone;
  clearTimeout(hung);
}

/** A call that can wait lets the thread rest this long after one that cannot: the next one mostly comes by then. */
const calmMs = 10;
/** For so long, in all. Milliseconds. */
const patienceMs = 3000;

/** What a thread does with its calls. `Begun`: what it has of a call before its turn. */
export interface Answering<Info, Request, Answer, Begun = undefined> {
  readonly info: Info;
  /** `steps`: of a call that can wait, which is overtaken between them. */
  answer(request: Request, steps: Overtaken, begun?: Begun): Promise<Answer>;
  /** Begins work on the first call that waits, beside the one in hand; undefined where there is nothing to begin. */
  readonly begin?: (request: Request) => Begun | undefined;
  /** Whether a call can wait for others. Absent: none can, and each has its turn. */
  readonly canWait?: (request: Request) => boolean;
  /** The memory of an answer that goes over without a copy. */
  readonly transfer?: (answer: Answer) => readonly ArrayBuffer[];
}

/**
 * In the thread: opens what answers, says so, and answers one call after the other, first those that cannot wait.
 */
export async function answerCalls<Info, Request, Answer, Begun = undefined>(
  open: () => Promise<Answering<Info, Request, Answer, Begun>>,
): Promise<void> {
  const port = parentPort;
  if (!port) throw new Error('this module runs as a worker thread');
  const say = (said: Said<Info, Answer>, transfer: readonly ArrayBuffer[] = []) => port.postMessage(said, transfer);
  try {
    const { info, answer, begin, canWait, transfer } = await open();
    const collect = openCollect();
    collect('all'); // the bytes of the networks, which are loaded
    let answers = 0;
    let ending = false;
    const calls = overtakingQueue({ clock: systemClock, calmMs, patienceMs, turn: messagesIn });
    const answerCall = async ({ id, request }: Call<Request>, steps: Overtaken, begun?: Begun) => {
      if (ending) return;
      try {
        const answered = await answer(request, steps, begun);
        say({ kind: 'answer', id, answer: answered }, transfer?.(answered));
        if (++answers % collectEvery === 0) collect('young');
      } catch (error) {
        say({ ...faultOf(error), id });
      }
    };
    const lanes = { ahead: waitingLine(begin), behind: waitingLine(begin) };
    port.on('message', (call: Call<Request> | 'end') => {
      ending ||= call === 'end';
      if (call === 'end') return void calls.behind(async () => process.exit());
      const lane = canWait?.(call.request) ? 'behind' : 'ahead';
      const takeBegun = lanes[lane](call.request);
      if (lane === 'behind') void calls.behind((steps) => answerCall(call, steps, takeBegun()));
      else void calls.ahead(() => answerCall(call, allAtOnce, takeBegun()));
    });
    say({ kind: 'ready', info });
  } catch (error) {
    say(faultOf(error));
  }
}

/** Requests that wait, of which the first is begun; what each gives says, when its turn comes, what was begun of it. */
function waitingLine<Request, Begun>(
  begin: ((request: Request) => Begun | undefined) | undefined,
): (request: Request) => () => Begun | undefined {
  const line: { readonly request: Request; begun?: Begun | undefined }[] = [];
  const beginFirst = () => {
    const [first] = line;
    if (first) first.begun ??= begin?.(first.request);
  };
  return (request) => {
    const one: (typeof line)[number] = { request };
    line.push(one);
    beginFirst();
    return () => {
      line.shift();
      beginFirst();
      return one.begun;
    };
  };
}

/** Resolves when the messages that have arrived are heard: after a whole turn of the thread's loop. */
const messagesIn = async (): Promise<void> => {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
};

/** Frees what this thread holds no more: all of it (milliseconds), or what was made since the last time (less). */
type Collect = (what: 'all' | 'young') => void;

/**
 * Pictures and networks lie outside of V8's heap, behind small objects: the heap hardly grows, so V8 collects seldom,
 * and much waits to be freed.
 */
export function openCollect(): Collect {
  // The flag is the process's, not the thread's. Taken back here, it would be gone for a thread that opens at the same
  // moment, which then could not start. Contexts that are there already do not get the function.
  setFlagsFromString('--expose-gc');
  const gc: (options: { type: 'major' | 'minor' }) => void = runInNewContext('gc');
  return (what) => gc({ type: what === 'all' ? 'major' : 'minor' });
}

/** The memory of all pixels and numbers in a value, for handing them over without copies. */
export function buffersIn(value: unknown): ArrayBuffer[] {
  if (ArrayBuffer.isView(value)) return [value.buffer as ArrayBuffer];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(buffersIn) : [];
}

function faultOf(error: unknown): { kind: 'fault'; code: FaultCode; message: string } {
  return { kind: 'fault', code: error instanceof Fault ? error.code : 'reader-failed', message: messageOf(error) };
}
