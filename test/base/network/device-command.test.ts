import { describe, expect, it } from 'vitest';
import { hasTimer, httpCallOf, isHttpCall, isMqttMessage, mqttMessageOf } from '../../../src/base/network/device-command.ts';

describe('a command over HTTP', () => {
  it.each([
    ['GET http://relay/on', { method: 'GET', url: 'http://relay/on' }],
    ['PUT https://relay:8443/a?b=c&d={s}', { method: 'PUT', url: 'https://relay:8443/a?b=c&d={s}' }],
    ['POST http://relay/rpc {"on": true, "s": 5}', { method: 'POST', url: 'http://relay/rpc', body: '{"on": true, "s": 5}' }],
    ['POST http://relay/rpc ', { method: 'POST', url: 'http://relay/rpc', body: '' }],
    ['POST http://relay/rpc two\nlines', { method: 'POST', url: 'http://relay/rpc', body: 'two\nlines' }],
  ])('%s', (text, call) => {
    expect(isHttpCall(text)).toBe(true);
    expect(httpCallOf(text)).toEqual(call);
  });

  it.each([
    '',
    'http://relay/on',
    'get http://relay/on',
    'DELETE http://relay/on',
    'GET ftp://relay/on',
    'GET  http://relay/on',
    ' GET http://relay/on',
    'GET relay/on',
  ])('"%s" is none', (text) => expect(isHttpCall(text)).toBe(false));
});

describe('a command over MQTT', () => {
  it.each([
    ['cmnd/lock/Power1 1', { topic: 'cmnd/lock/Power1', payload: '1' }],
    ['zigbee2mqtt/lock/set {"state": "ON"}', { topic: 'zigbee2mqtt/lock/set', payload: '{"state": "ON"}' }],
    ['cmnd/lock/Power1', { topic: 'cmnd/lock/Power1', payload: '' }],
  ])('%s', (text, message) => {
    expect(isMqttMessage(text)).toBe(true);
    expect(mqttMessageOf(text)).toEqual(message);
  });

  it.each(['', ' cmnd/lock 1', 'cmnd/+/Power 1', 'cmnd/# 1'])('"%s" is none', (text) => expect(isMqttMessage(text)).toBe(false));
});

it.each([
  ['GET http://relay/on?toggle_after={s}', true],
  ['lock/set {"on_ms": {ms}}', true],
  ['GET http://relay/on', false],
  ['GET http://relay/on?{min}', false],
])('the timer in "%s": %s', (release, timed) => expect(hasTimer(release)).toBe(timed));
