/** The catalogue: a folder with one JSON file for each network in, checked entries out. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../base/errors.ts';
import { parseJson } from '../base/jws.ts';
import { Compile, Type } from '../base/schema.ts';
import type { CatalogueEntry } from './port.ts';

const text = Type.String({ minLength: 1 });
const bytes = Type.Integer({ minimum: 1, maximum: 500_000_000 });
const file = Type.Object({
  name: Type.String({ pattern: '^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}\\.onnx$' }),
  sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  bytes,
});
const entryForm = Compile(
  Type.Object({
    name: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,63}$' }),
    kind: Type.Union([Type.Literal('face-embedder'), Type.Literal('face-detector'), Type.Literal('liveness')]),
    ...{ about: text, licence: text, commercial: Type.Boolean(), source: text },
    package: Type.Optional(
      Type.Object({
        name: Type.String({ pattern: '^(@[a-z0-9._-]+/)?[a-z0-9][a-z0-9._-]*$' }),
        version: Type.String({ pattern: '^\\d+\\.\\d+\\.\\d+[0-9A-Za-z.+-]*$' }),
        integrity: Type.String({ pattern: '^sha512-[A-Za-z0-9+/]{86}==$' }),
        ...{ bytes, path: text },
      }),
    ),
    file,
    others: Type.Optional(Type.Array(file, { maxItems: 3 })),
    measured: Type.Array(Type.Object({ what: text, value: text })),
    ms: Type.Number({ exclusiveMinimum: 0 }),
    manifest: Type.Record(Type.String(), Type.Unknown()),
  }),
);

/** Sorted by name. Throws Fault `model-damaged`. */
export function readCatalogue(folder: string): readonly CatalogueEntry[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return files.toSorted().map((name) => {
    const path = join(folder, name);
    const entry = parseJson(readFileSync(path));
    if (entryForm.Check(entry)) return entry;
    const [first] = entryForm.Errors(entry);
    throw new Fault(
      'model-damaged',
      `${path} is not an entry of the catalogue (${first?.instancePath ?? ''} ${first?.message ?? 'is not JSON'}): install facelatch again`,
    );
  });
}
