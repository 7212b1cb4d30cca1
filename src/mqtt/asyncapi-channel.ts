/** What every part of the AsyncAPI document is made with: a topic and what is said there go in, its channel and its operation come out. */
import { topicsOf } from './topics.ts';

/** What the door says somewhere. */
export interface Spoken {
  readonly key: string;
  readonly address: string;
  readonly summary: string;
  readonly payload: object;
  readonly retain: boolean;
  readonly qos?: number;
  readonly contentType?: string;
}

/** Those of any door. */
export const topics = topicsOf('facelatch', '{door}');

export function channelOf({ key, address, summary, payload, contentType = 'application/json' }: Spoken): object {
  return { address, summary, parameters: parametersOf(address), messages: { [key]: { name: key, summary, contentType, payload } } };
}

export function parametersOf(address: string): object {
  return Object.fromEntries([...address.matchAll(/\{(\w+)\}/g)].map(([, name]) => [name, { $ref: `#/components/parameters/${name}` }]));
}

export const binding = (qos: number, retain: boolean) => ({ mqtt: { qos, retain, bindingVersion: '0.2.0' } });

export const sendOf = ({ key, retain, qos = 1 }: Spoken): object => ({
  action: 'send',
  channel: { $ref: `#/channels/${key}` },
  bindings: binding(qos, retain),
});

/** A name as a key of the document. */
export const keyOf = (name: string) => name.replace(/[^A-Za-z0-9]+(.)?/g, (_, next: string | undefined) => (next ?? '').toUpperCase());

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
