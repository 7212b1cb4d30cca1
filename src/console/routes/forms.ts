/** Forms of what the account routes take and answer; the OpenAPI document is made from them. */
import type { FastifyInstance } from 'fastify';
import { type TSchema, Type } from '../../base/schema.ts';
import type { Clock } from '../../base/time.ts';
import { operatorName, roles } from '../../command/port.ts';
import type { Accounts } from '../accounts/accounts.ts';
import type { Authentication } from '../authentication.ts';
import type { RecordEvent } from '../record.ts';
import { refusedForm } from './refused-form.ts';

/** What the account routes work with. */
export interface AccountParts {
  readonly accounts: Accounts;
  readonly authentication: Authentication;
  readonly clock: Pick<Clock, 'now'>;
  readonly record: RecordEvent;
  /** What authenticators call this door, as in `Front door`. */
  readonly title: string;
}

/** Adds routes to the server. */
export type AddRoutes<Parts> = (app: FastifyInstance, parts: Parts) => void;

/** Answers of a route: `good`, or why not. */
export const answers = <const T extends TSchema>(good: T) => ({ 200: good, default: refusedForm }) as const;

const closed = { additionalProperties: false } as const;
export const body = <const P extends Parameters<typeof Type.Object>[0]>(properties: P) => Type.Object(properties, closed);

export const doneAnswer = Type.Object({ done: Type.Literal(true) }, { description: 'Done.' });
export const isDone = { done: true } as const;

export const accountName = Type.String({ pattern: operatorName.source, description: 'Name of the account.' });
export const role = Type.Enum([...roles], { description: 'What it may do; each role includes those before it.' });
export const moment = (description: string) => Type.String({ format: 'date-time', description: `${description} UTC.` });
/** Longer ones are refused by the rules of passwords, in words. */
export const passwordField = (description: string) => Type.String({ minLength: 1, maxLength: 1024, description });
export const label = (description: string) => Type.String({ pattern: '^[^\\u0000-\\u001f\\u007f]{1,60}$', description });
export const listedId = Type.String({ pattern: '^[\\w-]{1,64}$', description: 'As the list has it.' });
export const secretField = (description: string) => Type.String({ minLength: 1, maxLength: 128, description });

/** Bodies of these routes are small: more is refused before it is read. */
export const smallBody = 16_384;
