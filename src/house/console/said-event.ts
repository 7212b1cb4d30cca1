/**
 * What the console process wants in the journal: anything goes in; an event of the console comes out, or nothing. The
 * process is not believed: only events in the form in which they are published are taken, and none that only the daemon
 * can know.
 */
import { Compile } from '../../base/schema.ts';
import type { ConsoleEvent } from '../../console/record.ts';
import { eventFields } from '../../mqtt/messages.ts';

const longestText = 300;
const forms = new Map(
  Object.entries(eventFields).flatMap(([kind, fields]) =>
    kind.startsWith('console.') && kind !== 'console.certificate-changed' ? [[kind, Compile(fields)] as const] : [],
  ),
);

export function isConsoleEvent(said: object): said is ConsoleEvent {
  const { kind, ...fields } = said as { readonly kind?: unknown };
  const isShort = Object.values(fields).every((value) => typeof value !== 'string' || value.length <= longestText);
  return typeof kind === 'string' && isShort && (forms.get(kind)?.Check(fields) ?? false);
}
