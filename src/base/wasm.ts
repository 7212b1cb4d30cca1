/**
 * A small assembler of WebAssembly modules: instructions by name in, a running module with one memory out.
 * Opcodes: WebAssembly Core Specification 3.0, appendix "Index of Instructions".
 */

// The TypeScript library without the DOM does not know WebAssembly; this is as much of it as is used here.
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object) => { readonly exports: { readonly memory: WasmMemory } & Exports };
};
interface WasmMemory {
  /** Another one after each `grow`. */
  readonly buffer: ArrayBuffer;
  /** By pages of 65,536 bytes. */
  grow(pages: number): number;
}
type Exports = Readonly<Record<string, (...numbers: readonly number[]) => void>>;

export type Code = readonly number[];
export type ValueType = keyof typeof valueTypes;
const valueTypes = { i32: 0x7f, f32: 0x7d, v128: 0x7b } as const;
const emptyBlock = 0x40;

/** A function without a result. Its locals are numbered: first the parameters, then `locals`. */
export interface Routine<Name extends string = string> {
  readonly name: Name;
  readonly parameters: readonly ValueType[];
  readonly locals: readonly ValueType[];
  readonly body: Code;
}

export const get = (local: number): Code => [0x20, local];
export const set = (local: number): Code => [0x21, local];
export const tee = (local: number): Code => [0x22, local];
export const i32 = {
  add: [0x6a],
  subtract: [0x6b],
  lessUnsigned: [0x49],
  shiftLeft: [0x74],
  constant: (value: number): Code => [0x41, ...signedLeb128(value)],
} as const;
export const f32 = { add: [0x92], store: [0x38, 2, 0] } as const;
/** Runs the body until `again` leaves 0, at least once. */
export const repeat = (body: Code, again: Code): Code => [0x03, emptyBlock, ...body, ...again, 0x0d, 0, 0x0b];

const vector = (opcode: number): Code => [0xfd, ...unsignedLeb128(opcode)];
const access = (opcode: number, align: number) => (offset: number) => [...vector(opcode), align, ...unsignedLeb128(offset)];
export const v128 = {
  load: access(0x00, 2),
  /** Eight bytes as numbers of 16 bits. */
  loadBytes: access(0x02, 0),
  /** Two bytes into one lane of eight; the address lies below the vector. */
  loadLane16: (offset: number, lane: number): Code => [...vector(0x55), 0, ...unsignedLeb128(offset), lane],
  store: access(0x0b, 2),
  loadSplat: access(0x09, 2),
  /** `bytes`: 16 of them. */
  constant: (bytes: readonly number[]): Code => [...vector(0x0c), ...bytes],
  zero: [...vector(0x0c), ...new Array<number>(16).fill(0)] as Code,
  and: vector(0x4e),
} as const;
export const i16x8 = { add: vector(0x8e) } as const;
export const f32x4 = {
  splat: vector(0x13),
  /** `value` four times. */
  all: (value: number): Code => {
    const bytes = new Uint8Array(Float32Array.of(value, value, value, value).buffer);
    return [...vector(0x0c), ...bytes];
  },
  /** Of four numbers of 32 bits. */
  convertUnsigned: vector(0xfb),
  floor: vector(0x68),
  lane: (lane: number): Code => [...vector(0x1f), lane],
  lessThan: vector(0x43),
  greaterThan: vector(0x44),
  absolute: vector(0xe0),
  squareRoot: vector(0xe3),
  add: vector(0xe4),
  subtract: vector(0xe5),
  multiply: vector(0xe6),
  divide: vector(0xe7),
  /** a·b + c, rounded once if the processor can, else twice. */
  multiplyAdd: vector(0x105),
} as const;

/** Adds `bytes` to the address in a local. */
export const advance = (local: number, bytes: number): Code => [...get(local), ...i32.constant(bytes), ...i32.add, ...set(local)];

/** Compiles the routines around a memory of `bytes` bytes (at most 4 GiB), which keeps its size. */
export function assemble(routines: readonly Routine[], bytes: number): { readonly memory: ArrayBuffer; readonly routines: Exports } {
  const pages = unsignedLeb128(Math.ceil(bytes / 65536));
  const { memory, ...exports } = instance(routines, [1, ...pages, ...pages]);
  return { memory: memory.buffer, routines: exports };
}

/** Compiles the routines around a memory of one page, which may grow. */
export function assembleGrowing<Name extends string>(routines: readonly Routine<Name>[]) {
  const { memory, ...exports } = instance(routines, [0, 1]);
  return { memory, routines: exports as Readonly<Record<Name, (...numbers: readonly number[]) => void>> };
}

function instance(routines: readonly Routine[], memoryLimits: Code) {
  const types = (list: readonly ValueType[]) => [list.length, ...list.map((type) => valueTypes[type])];
  const module = Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(
      1,
      routines.map(({ parameters }) => [0x60, ...types(parameters), 0]),
    ),
    ...section(
      3,
      routines.map((_, index) => [index]),
    ),
    ...section(5, [memoryLimits]),
    ...section(7, [[...name('memory'), 2, 0], ...routines.map((routine, index) => [...name(routine.name), 0, index])]),
    ...section(10, routines.map(functionBody)),
  ]);
  return new WebAssembly.Instance(new WebAssembly.Module(module)).exports;
}

function functionBody({ locals, body }: Routine): Code {
  const code = [...unsignedLeb128(locals.length), ...locals.flatMap((type) => [1, valueTypes[type]]), ...body, 0x0b];
  return [...unsignedLeb128(code.length), ...code];
}

const name = (text: string): Code => [text.length, ...Buffer.from(text)];

function section(id: number, entries: readonly Code[]): Code {
  const content = [...unsignedLeb128(entries.length), ...entries.flat()];
  return [id, ...unsignedLeb128(content.length), ...content];
}

function unsignedLeb128(value: number): number[] {
  const low = value & 127;
  return value < 128 ? [low] : [low | 128, ...unsignedLeb128(value >>> 7)];
}

/** For constants from 0 up: a last byte whose bit 6 is set would read as negative, so another follows. */
function signedLeb128(value: number): number[] {
  const low = value & 127;
  return value < 64 ? [low] : [low | 128, ...signedLeb128(value >>> 7)];
}
