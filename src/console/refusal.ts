/**
 * How the console says no: whatever was thrown goes in; a status and `{ error: { code, message } }`, one clear
 * sentence, come out. Every answer that is no success has this form.
 */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { Fault, messageOf } from '../base/errors.ts';

/** Why the console refused. A closed list; operations answer besides with the codes of commands. */
export type HttpRefusal =
  | 'bad-request'
  | 'signed-out'
  | 'wrong-password'
  | 'wrong-passkey'
  | 'role'
  | 'needs-session'
  | 'needs-fresh-sign-in'
  | 'foreign-page'
  | 'not-found'
  | 'oversized'
  | 'wrong-host'
  | 'not-possible'
  | 'slow-down'
  | 'unavailable'
  | 'failed';

/** Thrown where a request is refused; `answerError` answers it. */
export class TurnedAway extends Error {
  override readonly name = 'TurnedAway';
  readonly statusCode: number;
  readonly code: HttpRefusal;
  /** Whole seconds, for `Retry-After`. */
  readonly retryAfterS: number | undefined;

  constructor(statusCode: number, code: HttpRefusal, message: string, retryAfterS?: number) {
    super(message);
    this.statusCode = statusCode;
    this.code = code;
    this.retryAfterS = retryAfterS;
  }
}

/** The error handler of the server (`setErrorHandler`). */
export function answerError(error: FastifyError | Error, request: FastifyRequest, reply: FastifyReply): void {
  const { status, code, message, retryAfterS } = refusalOf(error);
  if (status >= 500) request.log.error({ err: error }, 'request failed');
  // Whoever has to wait before another try was counted as a failed sign-in.
  if (!(error instanceof TurnedAway && code === 'slow-down')) request.refusal = code;
  if (retryAfterS !== undefined) reply.header('retry-after', retryAfterS);
  void reply.status(status).type('application/json').send({ error: { code, message } });
}

interface Answered {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly retryAfterS?: number | undefined;
}

function refusalOf(error: FastifyError | Error): Answered {
  if (error instanceof TurnedAway)
    return { status: error.statusCode, code: error.code, message: error.message, retryAfterS: error.retryAfterS };
  if (error instanceof Fault) return { ...ofFault(error), message: messageOf(error) };
  const status = 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 500;
  if (status >= 500) return { status: 500, code: 'failed', message: 'The console failed at this: see the log of the door' };
  return { status, code: ofStatus[status] ?? 'bad-request', message: error.message };
}

const ofStatus: Readonly<Record<number, HttpRefusal>> = { 404: 'not-found', 413: 'oversized', 429: 'slow-down' };

function ofFault({ code }: Fault): Pick<Answered, 'status' | 'code'> {
  if (code === 'bad-argument') return { status: 400, code: 'bad-request' };
  if (code === 'not-found') return { status: 404, code: 'not-found' };
  if (code === 'not-permitted') return { status: 409, code: 'not-possible' };
  return { status: 503, code: 'unavailable' };
}

/** The handler of what is not there (`setNotFoundHandler`). */
export function answerNotFound(request: FastifyRequest, reply: FastifyReply): void {
  answerError(new TurnedAway(404, 'not-found', `There is no ${request.method} of this address`), request, reply);
}
