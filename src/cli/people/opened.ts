/** The people for a command: a configuration in, the vault and the people opened out. They are closed together. */
import { galleryOf, stateFolder } from '../../adapters/basics.ts';
import { vaultOf } from '../../adapters/vault.ts';
import { lockChanges } from '../../host/lock.ts';
import type { Gallery } from '../../identity/port.ts';
import { embedderOf } from '../../learning/networks.ts';
import type { Config } from '../../settings/load.ts';
import type { Vault } from '../../vault/port.ts';
import { type CommonOptions, checkState, configOf } from '../context.ts';

/** `reseal`: somebody at the machine vouches for every row as it stands. */
export function openPeople(config: Config, reseal = false): { readonly vault: Vault; readonly gallery: Gallery } & Disposable {
  using opening = new DisposableStack();
  const vault = opening.use(vaultOf(config));
  const gallery = opening.use(galleryOf(config, embedderOf(config), vault, undefined, reseal));
  const resources = opening.move();
  return { vault, gallery, [Symbol.dispose]: () => resources.dispose() };
}

/** The same, to change something: kept from a folder that a restore exchanges. Throws Fault `state-locked` then. */
export function changePeople(config: Config, reseal = false): ReturnType<typeof openPeople> {
  using opening = new DisposableStack();
  opening.use(lockChanges(stateFolder(config)));
  const people = opening.use(openPeople(config, reseal));
  const resources = opening.move();
  return { ...people, [Symbol.dispose]: () => resources.dispose() };
}

/** With the configuration, for a command on people who are there. Throws Fault `not-found` without a state folder. */
export function openStored(options: CommonOptions): { readonly config: Config } & ReturnType<typeof openPeople> {
  const { config } = configOf(options);
  checkState(config);
  return { config, ...openPeople(config) };
}

/** The same, to change something. */
export function changeStored(options: CommonOptions): ReturnType<typeof openStored> {
  const { config } = configOf(options);
  checkState(config);
  return { config, ...changePeople(config) };
}
