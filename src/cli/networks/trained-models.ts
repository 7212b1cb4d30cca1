/**
 * `facelatch models list|show|promote|rollback|add|remove`: the networks trained for this door, and which one
 * guards it.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { galleryOf } from '../../adapters/basics.ts';
import { journalOf } from '../../adapters/journal.ts';
import { vaultOf } from '../../adapters/vault.ts';
import { Fault } from '../../base/errors.ts';
import { embedderOf } from '../../learning/networks.ts';
import { isOwnNetwork, removeOwnNetwork } from '../../learning/own/own-networks.ts';
import { takeInNetwork } from '../../learning/own/take-in.ts';
import { openRetraining } from '../../learning/parts.ts';
import { openCommandPromotion } from '../../learning/promotion.ts';
import type { BundleManifest } from '../../retrain/port.ts';
import type { BundleEntry } from '../../retrain/registry/rows.ts';
import type { Config } from '../../settings/load.ts';
import type { Vault } from '../../vault/port.ts';
import { type CommonOptions, checkState, configOf, exitCodes, print, withCommon, withHelp } from '../context.ts';
import { counted, table } from '../words.ts';
import { takenInText } from './models-catalogue.ts';

type Exit = (code: number) => void;

export function trainedCommands(stop: AbortSignal, exit: Exit): Command[] {
  return [showCommand(exit), promoteCommand(stop, exit), rollbackCommand(stop, exit), addCommand(exit), removeCommand(exit)];
}

/** The networks trained for the door of this configuration, the newest first. */
export function trainedTable(trained: readonly BundleEntry[]): string {
  if (trained.length === 0) return '';
  const rows = trained.map(({ id, version, state, recipe, createdAt, note }) => [
    id.slice(0, 12),
    String(version),
    state,
    recipe,
    createdAt.slice(0, 16),
    note,
  ]);
  return `\ntrained for this door:\n${table([['network', 'version', 'state', 'recipe', 'made', 'note'], ...rows])}`;
}

async function withRetraining<T>(
  options: CommonOptions,
  act: (parts: { config: Config; vault: Vault; retraining: Awaited<ReturnType<typeof openRetraining>> }) => T | Promise<T>,
): Promise<T> {
  const { config } = configOf(options);
  checkState(config);
  using vault = vaultOf(config);
  using retraining = await openRetraining(config, vault);
  return await act({ config, vault, retraining });
}

async function withPromotion(
  options: CommonOptions,
  stop: AbortSignal,
  act: (room: Awaited<ReturnType<typeof openCommandPromotion>>) => Promise<void>,
): Promise<void> {
  const { config } = configOf(options);
  checkState(config);
  await using room = await openCommandPromotion(config, { signal: stop });
  await act(room);
}

function showCommand(exit: Exit): Command {
  const command = new Command('show')
    .description('what a trained network states about itself: what it was made from, and how it was measured')
    .argument('<network>', 'its id, or the beginning of it');
  withHelp(command, ['facelatch models show 3fa9c01d'], 'shown');
  return withCommon(command).action((text: string, options: CommonOptions) =>
    withRetraining(options, async ({ retraining: { registry } }) => {
      const found = registry.find(text);
      const manifest = JSON.parse(readFileSync(join(registry.folder(found.id), 'bundle.json'), 'utf8')) as BundleManifest;
      print(options, { ...found, manifest }, () => stated(found, manifest));
      exit(exitCodes.yes);
    }),
  );
}

function stated({ id, state, note }: BundleEntry, manifest: BundleManifest): string {
  const { version, recipe, createdAt, parent, engine, door, data, metrics, files } = manifest;
  const rows = Object.entries(metrics).map(([name, { value, interval }]) => [
    name,
    value.toPrecision(4),
    interval ? `${interval[0].toPrecision(3)} to ${interval[1].toPrecision(3)}` : '',
  ]);
  return [
    `${id}: version ${version}, ${state}`,
    `${recipe} of ${parent.slice(0, 12)}, ${createdAt}, facelatch ${engine}, for ${door}`,
    `from ${counted(data.samples, 'picture')} of ${counted(data.people, 'person', 'people')} and ${counted(data.strangers, 'stranger')}`,
    `${counted(Object.keys(files).length, 'file')}, ${Object.values(files)
      .reduce((sum, { bytes }) => sum + bytes, 0)
      .toLocaleString('en')} bytes`,
    ...(note ? [note] : []),
    ...(rows.length > 0 ? [table([['figure', 'value', '95 % interval'], ...rows])] : []),
  ].join('\n');
}

function promoteCommand(stop: AbortSignal, exit: Exit): Command {
  const command = new Command('promote')
    .description('measure a trained network against the one in use, and use it if it is better')
    .argument('<network>', 'its id, or the beginning of it')
    .option(
      '--force',
      'use it although the comparison is against it, at your own risk; journalled. A network that is damaged, unsigned or for another door is still refused',
    );
  withHelp(command, ['facelatch models promote 3fa9c01d'], 'it guards the door', 'refused');
  return withCommon(command).action((text: string, options: CommonOptions & { readonly force?: boolean }) =>
    withPromotion(options, stop, async ({ retraining, promotion }) => {
      const { id } = retraining.registry.find(text);
      const outcome = await promotion.promote(id, 'cli', { force: options.force === true });
      print(options, { id, ...outcome }, () =>
        outcome.ok
          ? `${id.slice(0, 12)} guards the door: ${outcome.detail}`
          : `${id.slice(0, 12)} is refused (${outcome.reason}): ${outcome.detail}`,
      );
      exit(outcome.ok ? exitCodes.yes : exitCodes.no);
    }),
  );
}

function rollbackCommand(stop: AbortSignal, exit: Exit): Command {
  const command = new Command('rollback').description('go back to the network before the present one, at once');
  withHelp(command, ['facelatch models rollback'], 'the earlier network guards the door', 'there is no earlier one');
  return withCommon(command).action((options: CommonOptions) =>
    withPromotion(options, stop, async ({ promotion }) => {
      const back = await promotion.rollback('cli');
      print(options, back ?? { to: null }, () =>
        back
          ? `${back.to === 'base' ? 'The network of the configuration' : back.to.slice(0, 12)} guards the door again`
          : 'The network of the configuration guards the door: there is nothing to go back to',
      );
      exit(back ? exitCodes.yes : exitCodes.no);
    }),
  );
}

function addCommand(exit: Exit): Command {
  const command = new Command('add')
    .summary('take in a network from elsewhere')
    .description(
      'Take in a network from elsewhere. A folder with a bundle.json was trained for this door: it becomes a candidate, and is refused if it is not whole, trusted and for this door. ' +
        'Another folder with a manifest.json is a network of your own: it is checked, run once, and copied into the state folder.',
    )
    .argument('<folder>', 'the folder with its bundle.json or manifest.json');
  withHelp(command, ['facelatch models add /media/usb/3fa9c01d', 'facelatch models add ~/my-arcface'], 'added');
  return withCommon(command).action(async (folder: string, options: CommonOptions) => {
    if (isBundle(folder)) await addTrained(folder, options);
    else await addOwn(folder, options);
    exit(exitCodes.yes);
  });
}

/** Whether it was trained for a door; else it is a network of its owner's. @throws Fault `bad-argument` for neither. */
function isBundle(folder: string): boolean {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (!found) throw new Fault('not-found', `There is no folder ${folder}`);
  if (!found.isDirectory()) throw new Fault('bad-argument', `${folder} is a file: name the folder that it lies in, with its manifest.json`);
  if (existsSync(join(folder, 'bundle.json'))) return true;
  if (existsSync(join(folder, 'manifest.json'))) return false;
  throw new Fault(
    'bad-argument',
    `${folder} has no manifest.json, as a network of your own has (facelatch models calibrate writes it), and no bundle.json, as one that was trained for this door has`,
  );
}

async function addOwn(folder: string, options: CommonOptions): Promise<void> {
  const kept = await takeInNetwork(configOf(options).config, folder);
  print(options, kept, () => takenInText(kept));
}

const addTrained = (folder: string, options: CommonOptions): Promise<void> =>
  withRetraining(options, async ({ config, retraining: { registry } }) => {
    using journal = journalOf(config);
    const added = await registry.add(resolve(folder));
    journal.append({ kind: 'model.added', bundle: added.id, version: added.version, by: 'cli' });
    print(options, added, () => `${added.id.slice(0, 12)} is a candidate: "facelatch models promote ${added.id.slice(0, 12)}" measures it`);
  });

function removeCommand(exit: Exit): Command {
  const command = new Command('remove')
    .description('delete a trained network that does not guard the door, with the templates it made; or one that was fetched or added')
    .argument('<network>', 'its id, or the beginning of it; or its name');
  withHelp(command, ['facelatch models remove 3fa9c01d', 'facelatch models remove my-arcface'], 'removed');
  return withCommon(command).action(async (text: string, options: CommonOptions) => {
    const { config } = configOf(options);
    if (isOwnNetwork(config, text)) {
      removeOwnNetwork(config, text);
      print(options, { name: text }, () => `${text} is removed`);
    } else await removeTrained(text, options);
    exit(exitCodes.yes);
  });
}

const removeTrained = (text: string, options: CommonOptions): Promise<void> =>
  withRetraining(options, async ({ config, vault, retraining: { registry } }) => {
    const { id } = registry.find(text);
    registry.remove(id);
    using gallery = galleryOf(config, embedderOf(config), vault);
    gallery.keepTemplates([...registry.list().map(({ embedder }) => embedder), registry.base]);
    using journal = journalOf(config);
    journal.append({ kind: 'model.removed', bundle: id, by: 'cli' });
    print(options, { id }, () => `${id.slice(0, 12)} is removed`);
  });
