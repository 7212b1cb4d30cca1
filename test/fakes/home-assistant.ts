/**
 * As much of Home Assistant as a door needs, by the rules that its MQTT integration publishes: it takes the device discovery from the broker, subscribes
 * to what the entities name, keeps their states, and sends what their buttons send. The templates it knows are those that the door uses.
 */
import { connectAsync, type MqttClient } from 'mqtt';

type Component = Readonly<Record<string, unknown>> & { readonly platform: string };
interface Discovery {
  readonly device: object;
  readonly origin: object;
  readonly availability: readonly { readonly topic: string; readonly value_template: string }[];
  readonly components: Readonly<Record<string, Component>>;
}

export interface HomeAssistant extends AsyncDisposable {
  /** The newest discovery message; undefined where there is none, or it was emptied. */
  readonly discovery: Discovery | undefined;
  readonly discoveryTopic: string | undefined;
  /** How often one came. */
  readonly announced: number;
  /** `unavailable`, `unknown`, or what the entity shows. */
  state(id: string): string;
  /** Every state that an entity had, in order. */
  history(id: string): readonly string[];
  /** What the event entity fired. */
  readonly fired: readonly Readonly<Record<string, unknown>>[];
  /** The newest picture of the image entity. */
  readonly image: Buffer | undefined;
  /** Every message there was, as topic and retain flag. */
  readonly heard: readonly { readonly topic: string; readonly retain: boolean }[];
  /** Presses: the field that holds what is sent. */
  press(id: string, field: 'payload_press' | 'payload_unlock' | 'payload_lock' | 'payload_on' | 'payload_off'): Promise<void>;
  /** Says that it has started. */
  birth(): Promise<void>;
}

/** Jinja2, as far as the door uses it. */
function rendered(template: string, json: Readonly<Record<string, unknown>>): string {
  const known: readonly [RegExp, (field: string) => unknown][] = [
    [/^\{\{ value_json\.(\w+) \}\}$/, (field) => json[field]],
    [/^\{\{ value_json\.(\w+) \| default\(''\) \}\}$/, (field) => json[field] ?? ''],
    [
      /^\{\{ value_json\.(\w+) \| default\(''\) if value_json\.historical is not defined else '' \}\}$/,
      (field) => (json.historical === undefined ? (json[field] ?? '') : ''),
    ],
    [
      /^\{\{ 'None' if value_json\.(\w+) == 'unknown' else value_json\.\1 \}\}$/,
      (field) => (json[field] === 'unknown' ? 'None' : json[field]),
    ],
    [
      /^\{\{ \{"installed_version": value_json\.version, "latest_version": value_json\.latest, "title": value_json\.name\} \| to_json \}\}$/,
      () => JSON.stringify({ installed_version: json.version, latest_version: json.latest, title: json.name }),
    ],
  ];
  for (const [pattern, render] of known) {
    const match = pattern.exec(template);
    if (match) return String(render(match[1] ?? ''));
  }
  throw new Error(`this template is not known here: ${template}`);
}

export async function openHomeAssistant(url: string, prefix = 'homeassistant'): Promise<HomeAssistant> {
  const client: MqttClient = await connectAsync(url, { protocolVersion: 5, reconnectPeriod: 0 });
  const states = new Map<string, string[]>();
  const fired: Record<string, unknown>[] = [];
  const heard: { topic: string; retain: boolean }[] = [];
  let discovery: Discovery | undefined;
  let discoveryTopic: string | undefined;
  let announced = 0;
  let available = false;
  let image: Buffer | undefined;
  let following: Promise<unknown> = Promise.resolve();

  const last = (id: string) => states.get(id)?.at(-1) ?? 'unknown';
  const show = (id: string, state: string) => {
    if (last(id) !== state) states.set(id, [...(states.get(id) ?? []), state]);
  };
  /** What a message on its state topic makes of an entity. */
  const take = (id: string, component: Component, payload: Buffer, retain: boolean) => {
    const text = payload.toString('utf8');
    if (component.platform === 'event') {
      if (retain) return; // event.py: a replayed retained message is no event
      const { event_type, ...attributes } = JSON.parse(text);
      if (!(component.event_types as string[]).includes(event_type)) throw new Error(`unknown event type ${event_type}`);
      fired.push({ event_type, ...attributes });
      return;
    }
    const value = component.value_template ? rendered(component.value_template as string, JSON.parse(text)) : text;
    if (component.platform === 'lock') {
      if (value === component.payload_reset) show(id, 'unknown');
      else if (value === component.state_locked) show(id, 'locked');
      else if (value === component.state_unlocked) show(id, 'unlocked');
    } else if (component.platform === 'switch' || component.platform === 'binary_sensor') {
      const on = component.state_on ?? component.payload_on;
      const off = component.state_off ?? component.payload_off;
      if (value === 'None') show(id, 'unknown');
      else if (value === on) show(id, 'on');
      else if (value === off) show(id, 'off');
    } else if (component.platform === 'update') {
      const { installed_version, latest_version } = JSON.parse(value);
      show(id, installed_version === latest_version ? 'off' : 'on');
    } else if (value !== '') show(id, value);
  };

  client.on('message', (topic, payload, { retain }) => {
    if (topic.endsWith('/config')) {
      announced++;
      discovery = payload.length === 0 ? undefined : JSON.parse(payload.toString('utf8'));
      discoveryTopic = topic;
      const named = Object.values(discovery?.components ?? {}).flatMap((each) => [each.state_topic, each.image_topic]);
      const topics = [...named, ...(discovery?.availability ?? []).map((each) => each.topic)];
      const wanted = topics.filter((each) => typeof each === 'string');
      if (wanted.length > 0) following = client.subscribeAsync(wanted, { qos: 1 });
      return;
    }
    heard.push({ topic, retain });
    for (const each of discovery?.availability ?? [])
      if (each.topic === topic) available = rendered(each.value_template, JSON.parse(payload.toString('utf8'))) === 'online';
    for (const [id, component] of Object.entries(discovery?.components ?? {})) {
      if (component.image_topic === topic) image = payload;
      if (component.state_topic === topic) take(id, component, payload, retain);
    }
  });
  await client.subscribeAsync(`${prefix}/device/+/config`, { qos: 1 });

  return {
    get discovery() {
      return discovery;
    },
    get discoveryTopic() {
      return discoveryTopic;
    },
    get announced() {
      return announced;
    },
    fired,
    heard,
    get image() {
      return image;
    },
    state: (id) => (available && discovery?.components[id] ? last(id) : 'unavailable'),
    history: (id) => states.get(id) ?? [],
    press: async (id, field) => {
      const component = discovery?.components[id];
      if (!component?.[field]) throw new Error(`${id} has no ${field}`);
      const {
        command_topic: topic,
        qos = 0,
        retain = false,
      } = component as unknown as { command_topic: string; qos?: number; retain?: boolean };
      await client.publishAsync(topic, component[field] as string, { qos: qos as 0 | 1, retain });
    },
    birth: async () => {
      await client.publishAsync(`${prefix}/status`, 'online');
    },
    [Symbol.asyncDispose]: async () => {
      await following.catch(() => undefined);
      client.end(true);
    },
  };
}
