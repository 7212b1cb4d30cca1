/**
 * Shared by the parts of the AsyncAPI document. In: a topic and what the door says there. Out: its channel and its
 * operation.
 */
import { topicsOf } from '../topics.ts';

/** What the door says on one topic. */
export interface Spoken {
  readonly key: string;
  readonly address: string;
  readonly summary: string;
  readonly payload: object;
  readonly retain: boolean;
  readonly qos?: number;
  readonly contentType?: string;
}

/** The topics of any door. */
export const topics = topicsOf('facelatch', '{door}');

export function channelOf({ key, address, summary, payload, contentType = 'application/json' }: Spoken): object {
  return { address, summary, parameters: channelParameters(address), messages: { [key]: { name: key, summary, contentType, payload } } };
}

export function channelParameters(address: string): object {
  return Object.fromEntries([...address.matchAll(/\{(\w+)\}/g)].map(([, name]) => [name, { $ref: `#/components/parameters/${name}` }]));
}

export const binding = (qos: number, retain: boolean) => ({ mqtt: { qos, retain, bindingVersion: '0.2.0' } });

export const sendOf = ({ key, retain, qos = 1 }: Spoken): object => ({
  action: 'send',
  channel: { $ref: `#/channels/${key}` },
  bindings: binding(qos, retain),
});

/** A name in the form of a key of the document. */
export const keyOf = (name: string) => name.replace(/[^A-Za-z0-9]+(.)?/g, (_, next: string | undefined) => (next ?? '').toUpperCase());

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
