/** The fields of one manifest: its JSON goes in; checked values come out. Faults name the file and the field. */
import { Fault } from '../errors.ts';

export type Json = Record<string, unknown>;

/** Reads the fields of one manifest; every fault names the file and the field. */
export function manifestFields(file: string, json: Json) {
  const unfit = (path: string, want: string): never => {
    throw new Fault('model-unfit', `${file}: ${path} must be ${want}`);
  };
  const at = (path: string): unknown => path.split('.').reduce<unknown>((value, key) => (value as Json | undefined)?.[key], json);
  return {
    at,
    unfit,
    text: (path: string, fallback?: string): string => {
      const value = at(path) ?? fallback;
      return typeof value === 'string' && value !== '' ? value : unfit(path, 'a text');
    },
    number: (path: string, min: number, max: number, fallback?: number): number => {
      const value = at(path) ?? fallback;
      return typeof value === 'number' && value >= min && value <= max ? value : unfit(path, `a number from ${min} to ${max}`);
    },
    choice: <T extends string>(path: string, choices: readonly T[], fallback?: T): T => {
      const value = at(path) ?? fallback;
      return choices.find((choice) => choice === value) ?? unfit(path, `one of ${choices.join(', ')}`);
    },
    triple: (path: string, min: number): [number, number, number] => {
      const value = at(path);
      const list = Array.isArray(value) ? value : [value, value, value];
      const good = list.length === 3 && list.every((v) => typeof v === 'number' && Number.isFinite(v) && v >= min);
      return good
        ? (list as [number, number, number])
        : unfit(path, `a number or three numbers, one for each channel${min > 0 ? ', above 0' : ''}`);
    },
    pairs: (path: string, count: number): [number, number][] => {
      const value = at(path);
      const good =
        Array.isArray(value) &&
        value.length === count &&
        value.every((p) => Array.isArray(p) && p.length === 2 && p.every((v) => typeof v === 'number' && Number.isFinite(v)));
      return good ? (value as [number, number][]) : unfit(path, `${count} pairs of numbers`);
    },
  };
}

export type Fields = ReturnType<typeof manifestFields>;
