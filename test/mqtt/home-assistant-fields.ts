/**
 * The fields that Home Assistant's MQTT integration takes, as it publishes them: the schemas in `homeassistant/components/mqtt/` of
 * https://github.com/home-assistant/core (schemas.py, config.py and the platform's own file; read in November 2026), which
 * https://www.home-assistant.io/integrations/mqtt/ and `<platform>.mqtt/` describe. Kept as data: names only, none of the code.
 */

/** schemas.py: DEVICE_DISCOVERY_SCHEMA. */
const deviceDiscovery = {
  required: ['device', 'components', 'origin'],
  optional: [
    ...['availability', 'availability_mode', 'availability_template', 'availability_topic', 'payload_available', 'payload_not_available'],
    ...['state_topic', 'command_topic', 'qos', 'encoding'],
  ],
};
/** schemas.py: MQTT_ENTITY_DEVICE_INFO_SCHEMA; identifiers or connections must be there. */
const device = [
  ...['identifiers', 'connections', 'manufacturer', 'model', 'model_id', 'name', 'hw_version', 'serial_number', 'sw_version'],
  ...['via_device', 'suggested_area', 'configuration_url'],
];
/** schemas.py: MQTT_ORIGIN_INFO_SCHEMA. */
const origin = { required: ['name'], optional: ['sw_version', 'support_url'] };
/** schemas.py: MQTT_AVAILABILITY_LIST_SCHEMA, one of the list. */
const availability = { required: ['topic'], optional: ['payload_available', 'payload_not_available', 'value_template'] };

/** schemas.py: MQTT_ENTITY_COMMON_SCHEMA, and SCHEMA_BASE of config.py. */
const common = [
  ...['availability', 'availability_mode', 'availability_template', 'availability_topic', 'payload_available', 'payload_not_available'],
  ...[
    'device',
    'origin',
    'enabled_by_default',
    'entity_category',
    'entity_picture',
    'icon',
    'json_attributes_topic',
    'json_attributes_template',
  ],
  ...['object_id', 'default_entity_id', 'unique_id', 'qos', 'encoding'],
];
/** config.py: MQTT_RO_SCHEMA, MQTT_RW_SCHEMA. */
const readOnly = { required: ['state_topic'], optional: [...common, 'value_template'] };
const readWrite = { required: ['command_topic'], optional: [...common, 'optimistic', 'retain', 'state_topic'] };
const extended = (base: typeof readOnly, optional: readonly string[], required: readonly string[] = []) => ({
  required: [...base.required, ...required],
  optional: [...base.optional, ...optional],
});

const platforms: Readonly<Record<string, { readonly required: readonly string[]; readonly optional: readonly string[] }>> = {
  // lock.py
  lock: extended(readWrite, [
    ...['code_format', 'command_template', 'name', 'payload_lock', 'payload_unlock', 'payload_open', 'payload_reset', 'value_template'],
    ...['state_jammed', 'state_locked', 'state_locking', 'state_open', 'state_opening', 'state_unlocked', 'state_unlocking'],
  ]),
  // event.py
  event: extended(readOnly, ['device_class', 'name'], ['event_types']),
  // image.py; image_topic or url_topic must be there
  image: { required: [], optional: [...common, 'content_type', 'name', 'url_topic', 'image_topic', 'image_encoding', 'url_template'] },
  // binary_sensor.py
  binary_sensor: extended(readOnly, [
    ...['device_class', 'expire_after', 'force_update', 'name', 'off_delay', 'payload_off', 'payload_on'],
  ]),
  // sensor.py
  sensor: extended(readOnly, [
    ...['device_class', 'expire_after', 'force_update', 'last_reset_value_template', 'name', 'options', 'suggested_display_precision'],
    ...['state_class', 'unit_of_measurement'],
  ]),
  // device_trigger.py: TRIGGER_DISCOVERY_SCHEMA; the device stands around it
  device_automation: {
    required: ['automation_type', 'topic', 'type', 'subtype'],
    optional: ['payload', 'value_template', 'qos', 'encoding'],
  },
  // button.py
  button: {
    required: ['command_topic'],
    optional: [...common, 'command_template', 'device_class', 'name', 'payload_press', 'retain'],
  },
  // switch.py
  switch: extended(readWrite, [
    ...['command_template', 'device_class', 'name', 'payload_off', 'payload_on', 'state_off', 'state_on', 'value_template'],
  ]),
  // update.py
  update: extended(readOnly, [
    ...['command_topic', 'device_class', 'display_precision', 'entity_picture', 'latest_version_template', 'latest_version_topic', 'name'],
    ...['payload_install', 'release_summary', 'release_url', 'retain', 'title'],
  ]),
};

/** Of the device classes of each platform, those this project uses (`<Platform>DeviceClass` of core), and units that `duration` may have. */
const deviceClasses: Readonly<Record<string, readonly string[]>> = {
  binary_sensor: ['door', 'tamper', 'problem', 'safety'],
  sensor: ['duration', 'enum'],
};
const durationUnits = ['d', 'h', 'min', 's', 'ms', 'µs'];
/** discovery.py: TOPIC_MATCHER. */
const configTopic = /^homeassistant\/device\/[a-zA-Z0-9_-]+\/config$/;

/** What is wrong with a discovery message, by the lists above. */
export function fieldProblems({ topic, payload }: { readonly topic: string; readonly payload: string }): string[] {
  const message = JSON.parse(payload) as Record<string, unknown>;
  const odd = (what: string, object: object, lists: { readonly required: readonly string[]; readonly optional: readonly string[] }) => [
    ...lists.required.filter((field) => !(field in object)).map((field) => `${what} needs ${field}`),
    ...Object.keys(object)
      .filter((field) => !lists.required.includes(field) && !lists.optional.includes(field))
      .map((field) => `${what} takes no ${field}`),
  ];
  const components = message.components as Record<string, Record<string, unknown>>;
  const identified = ['identifiers', 'connections'].some((field) => field in (message.device as object));
  return [
    ...(configTopic.test(topic) ? [] : [`topic ${topic}`]),
    ...odd('discovery', message, deviceDiscovery),
    ...odd('device', message.device as object, { required: [], optional: device }),
    ...(identified ? [] : ['device without identifiers']),
    ...odd('origin', message.origin as object, origin),
    ...(message.availability as object[]).flatMap((each) => odd('availability', each, availability)),
    ...Object.entries(components).flatMap(([id, component]) => componentProblems(component, odd).map((problem) => `${id}: ${problem}`)),
  ];
}

function componentProblems(
  { platform, ...fields }: Record<string, unknown>,
  odd: (what: string, object: object, lists: { readonly required: readonly string[]; readonly optional: readonly string[] }) => string[],
): string[] {
  const lists = platforms[platform as string];
  if (!lists) return [`no platform ${platform}`];
  // Nothing but a platform: the component is removed (discovery.py).
  if (Object.keys(fields).length === 0) return [];
  const { device_class: deviceClass, unit_of_measurement: unit } = fields as Record<string, string | undefined>;
  return [
    ...odd(platform as string, fields, lists),
    ...('unique_id' in fields || platform === 'device_automation' ? [] : ['no unique_id']),
    // sensor/__init__.py: options and the device class go together.
    ...((deviceClass === 'enum') === 'options' in fields ? [] : ['options without device class enum, or the other way round']),
    ...(platform === 'image' && !('image_topic' in fields) && !('url_topic' in fields) ? ['no topic'] : []),
    ...(deviceClass !== undefined && !deviceClasses[platform as string]?.includes(deviceClass) ? [`no device class ${deviceClass}`] : []),
    ...(deviceClass === 'duration' && !durationUnits.includes(unit ?? '') ? [`a duration in ${unit}`] : []),
    ...(fields.entity_category === 'config' && platform !== 'button' ? ['a sensor is no setting'] : []),
  ];
}
