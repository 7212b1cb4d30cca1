/** German: the texts of all views. */
import { account } from './de/account.js';
import { app } from './de/app.js';
import { events } from './de/events.js';
import { learning } from './de/learning.js';
import { live } from './de/live.js';
import { outcome } from './de/outcome.js';
import { people } from './de/people.js';
import { signIn } from './de/sign-in.js';
import { system } from './de/system.js';
import { timeline } from './de/timeline.js';
import { why } from './de/why.js';

/** @type {Readonly<Record<string, string>>} */
export const de = { ...account, ...app, ...events, ...learning, ...live, ...outcome, ...people, ...signIn, ...system, ...timeline, ...why };
