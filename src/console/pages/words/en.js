/** English: the texts of all views. */
import { account } from './en/account.js';
import { app } from './en/app.js';
import { events } from './en/events.js';
import { learning } from './en/learning.js';
import { live } from './en/live.js';
import { outcome } from './en/outcome.js';
import { people } from './en/people.js';
import { signIn } from './en/sign-in.js';
import { system } from './en/system.js';
import { timeline } from './en/timeline.js';
import { why } from './en/why.js';

/** @type {Readonly<Record<string, string>>} */
export const en = { ...account, ...app, ...events, ...learning, ...live, ...outcome, ...people, ...signIn, ...system, ...timeline, ...why };
