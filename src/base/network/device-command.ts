/**
 * The commands that an owner writes for a network relay of model `own`: a line of text goes in, an HTTP call or an MQTT
 * message comes out. The settings check the same text that the relay sends.
 */

export interface HttpCall {
  readonly method: string;
  readonly url: string;
  readonly body?: string;
}

export interface MqttMessage {
  readonly topic: string;
  readonly payload: string;
}

/** Whether a command tells the device when to switch off by itself. */
export const hasTimer = (release: string): boolean => /\{(ms|s)\}/.test(release);

const callPattern = /^(GET|POST|PUT) (https?:\/\/\S+)(?: (.*))?$/s;
const messagePattern = /^([^\s+#]+)(?: (.*))?$/s;
/** `GET http://…`, `POST http://… body`. */
export const isHttpCall = (text: string): boolean => callPattern.test(text);
/** `topic payload`. */
export const isMqttMessage = (text: string): boolean => messagePattern.test(text);

export function httpCallOf(text: string): HttpCall {
  const [, method = 'GET', url = '', body] = callPattern.exec(text) ?? [];
  return { method, url, ...(body !== undefined && { body }) };
}

export function mqttMessageOf(text: string): MqttMessage {
  const [, topic = '', payload = ''] = messagePattern.exec(text) ?? [];
  return { topic, payload };
}
