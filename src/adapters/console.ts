/** The console as the configuration says: how it serves, and the links with which people get accounts in it. */
import { readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { Fault, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { makeFolder } from '../base/make-folder.ts';
import { systemClock } from '../base/time.ts';
import { version } from '../base/version.ts';
import type { Role } from '../command/port.ts';
import { type Accounts, openAccounts } from '../console/accounts/accounts.ts';
import type { ConsoleSettings } from '../console/port.ts';
import { type ConsoleTls, openTls } from '../console/tls.ts';
import { lockChanges } from '../host/lock.ts';
import type { Config } from '../settings/load.ts';
import { isOnlyHere } from '../settings/rules.ts';
import { stateFolder } from './basics.ts';
import { journalOf } from './journal.ts';

/** Throws Fault `bad-config` where the certificate cannot be read. */
export function consoleSettings(config: Config): ConsoleSettings {
  const { address, port, tls, hosts, ingress, certificateFile, keyFile, sessionHours, idleHours } = config.console;
  const plain =
    tls === 'off' && !isOnlyHere(address) ? 'proxied' : tls === 'on' || (tls === 'auto' && !isOnlyHere(address)) ? 'on' : 'loopback';
  return {
    ...{ door: config.door.id, address, port, hosts, ingress, sessionHours, idleHours, version },
    tls: plain,
    ...(certificateFile !== '' && {
      certificate: { certificate: fileText(certificateFile, 'certificateFile'), key: fileText(keyFile, 'keyFile') },
    }),
    folder: consoleFolder(config),
    maxPictureBytes: config.enrolment.maxPictureBytes,
    browserCamera: config.camera.source === 'browser',
  };
}

/**
 * The certificate, with TLS: the owner's, or the one that the door makes at its first start and renews in time. Made
 * here: the console process may not sync what it writes. @throws Fault `bad-config`.
 */
export async function consoleTls({ tls, folder, certificate: given, hosts }: ConsoleSettings): Promise<ConsoleTls | undefined> {
  if (tls !== 'on') return undefined;
  const addresses = Object.values(networkInterfaces()).flatMap((found = []) => found.map(({ address }) => address));
  return await openTls({ folder, given, machineName: hostname(), hosts, addresses, clock: systemClock });
}

/** What the console keeps: accounts, sessions, its certificate. */
const consoleFolder = (config: Config): string => join(stateFolder(config), 'console');
export const accountsFile = (config: Config): string => join(consoleFolder(config), 'console.sqlite');

function fileText(file: string, name: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Fault('bad-config', `${file} (console.${name}) cannot be read: ${messageOf(error)}`, error);
  }
}

/** Who may sign in. The caller disposes of it. */
export function consoleAccounts(config: Config): Accounts {
  const folder = consoleFolder(config);
  makeFolder(folder, 0o700);
  return openAccounts({ file: accountsFile(config), clock: systemClock });
}

/** The address to open, as far as the configuration tells it. */
export function consoleAddress(config: Config): string {
  const { address, port, hosts } = config.console;
  const isAny = address === '0.0.0.0' || address === '::';
  const host = isOnlyHere(address) ? 'localhost' : (hosts[0] ?? (isAny ? hostname() : isIPv6(address) ? `[${address}]` : address));
  return `${consoleSettings(config).tls === 'on' ? 'https' : 'http'}://${host}:${port}/`;
}

/**
 * A link that makes one account with that role, within an hour. What it carries is in the part of the address that
 * browsers send to nobody. Nobody is invited without a trace. @throws Faults of the accounts and the journal.
 */
export function consoleLink(config: Config, invited: { readonly role: Role; readonly name?: string; readonly by: string }): string {
  using accounts = consoleAccounts(config);
  const { secret, invitation } = accounts.invitations.make(invited);
  try {
    using journal = journalOf(config);
    journal.append({ kind: 'console.invited', ...invited });
  } catch (error) {
    accounts.invitations.revoke(invitation.id);
    throw error;
  }
  return `${consoleAddress(config)}#/join/${secret}`;
}

/**
 * Removes an account, and journals it afterwards: a journal that is down keeps no account. False where there is none of
 * that name. @throws Faults of the accounts and the journal.
 */
export function removeConsoleAccount(config: Config, name: string): boolean {
  using _changes = lockChanges(stateFolder(config));
  using accounts = consoleAccounts(config);
  if (!accounts.named(name)) return false;
  const removed = accounts.remove(name);
  using journal = journalOf(config);
  journal.append({ kind: 'console.account-removed', name: removed.name, role: removed.role, by: 'cli' });
  return true;
}

/** The address; while nobody has an account, the link of the first admin in place of the one of the last start. */
export function firstLink(config: Config, log: Log): string {
  try {
    using accounts = consoleAccounts(config);
    if (accounts.list().length > 0) return consoleAddress(config);
    for (const { id, by } of accounts.invitations.list()) if (by === 'start') accounts.invitations.revoke(id);
    return `${consoleAddress(config)}#/join/${accounts.invitations.make({ role: 'admin', by: 'start' }).secret}`;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    log.error({ code: error.code, err: messageOf(error) }, 'the accounts of the console cannot be opened');
    return consoleAddress(config);
  }
}
