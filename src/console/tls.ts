/**
 * The certificate of the console: the owner's own goes in, or the names of this machine, for which one is made and
 * kept; certificate, key and fingerprint come out. A made one is signed by nobody: browsers warn of it, and the owner
 * compares the fingerprint that the door prints.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { Fault, messageOf } from '../base/errors.ts';
import type { Clock } from '../base/time.ts';
import { writeWhole } from '../base/whole-file.ts';
import { canonicalAddress, namesOf } from './hosts.ts';

export interface ConsoleTls {
  /** PEM, with the chain. */
  readonly certificate: string;
  /** PEM. */
  readonly key: string;
  /** SHA-256 of the certificate, as browsers show it: `AB:CD:…`. */
  readonly fingerprint: string;
  /** ISO 8601, UTC. */
  readonly beginsAt: string;
  readonly expiresAt: string;
  /** Made just now: browsers that trusted the one before ask again. */
  readonly isNew: boolean;
}

export interface TlsOptions {
  /** Of the console; `tls.pem` is kept in it. */
  readonly folder: string;
  /** The owner's own. */
  readonly given?: { readonly certificate: string; readonly key: string } | undefined;
  readonly machineName: string;
  /** Setting `console.hosts`. */
  readonly hosts: readonly string[];
  /** Of this machine's networks. */
  readonly addresses: readonly string[];
  readonly clock: Pick<Clock, 'wall'>;
}

const dayMs = 86_400_000;
/** Apple's devices take no longer ones. */
const lifeMs = 825 * dayMs;
const renewedMs = 30 * dayMs;

/** @throws Fault `bad-config` where what the owner gave is no certificate, or the key is another one's. */
export async function openTls(options: TlsOptions): Promise<ConsoleTls> {
  if (options.given) return tlsOf(options.given, false, givenCertificate(options.given));
  const file = join(options.folder, 'tls.pem');
  const kept = keptIn(file);
  const before = kept && tlsOf(kept, false);
  if (before && !isDue(before, options.clock.wall()) && stillNames(new X509Certificate(before.certificate), options)) return before;
  const made = await newCertificate(options);
  writeWhole(file, `${made.key}\n${made.certificate}\n`, { mode: 0o600 });
  return tlsOf(made, true);
}

interface Pair {
  readonly certificate: string;
  readonly key: string;
}

const tlsOf = (
  { certificate, key }: Pair,
  isNew: boolean,
  { fingerprint256, validFromDate, validToDate } = new X509Certificate(certificate),
): ConsoleTls => ({
  ...{ certificate, key, isNew, fingerprint: fingerprint256 },
  ...{ beginsAt: validFromDate.toISOString(), expiresAt: validToDate.toISOString() },
});

/** Whether another is needed: it ends soon, or begins later, as one that was made while the clock was wrong. */
export const isDue = ({ beginsAt, expiresAt }: Pick<ConsoleTls, 'beginsAt' | 'expiresAt'>, wallMs: number): boolean =>
  Date.parse(expiresAt) - wallMs < renewedMs || Date.parse(beginsAt) > wallMs;

function givenCertificate({ certificate, key }: Pair): X509Certificate {
  try {
    const parsed = new X509Certificate(certificate);
    if (parsed.checkPrivateKey(createPrivateKey(key))) return parsed;
  } catch (error) {
    throw new Fault(
      'bad-config',
      `console.certificateFile and console.keyFile hold no certificate and key in PEM (${messageOf(error)})`,
      error,
    );
  }
  throw new Fault(
    'bad-config',
    'console.keyFile does not belong to console.certificateFile: give the key that the certificate was made for',
  );
}

/** Undefined where there is none, or a damaged one. */
function keptIn(file: string): Pair | undefined {
  try {
    const text = readFileSync(file, 'utf8');
    const [key, certificate] = ['PRIVATE KEY', 'CERTIFICATE'].map(
      (kind) => new RegExp(`-----BEGIN ${kind}-----[^-]+-----END ${kind}-----`).exec(text)?.[0],
    );
    if (key === undefined || certificate === undefined) return undefined;
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key)) ? { certificate, key } : undefined;
  } catch {
    return undefined;
  }
}

/** IPv6 addresses change by themselves: for them alone nobody has to trust another certificate. */
function stillNames(certificate: X509Certificate, options: TlsOptions): boolean {
  const { names, addresses } = subjects(options);
  return (
    names.every((name) => certificate.checkHost(name)) && addresses.every((address) => isIP(address) !== 4 || certificate.checkIP(address))
  );
}

function subjects({ machineName, hosts, addresses }: TlsOptions) {
  const all = [...namesOf(machineName), ...hosts, '127.0.0.1', '::1', ...addresses].map((text) => canonicalAddress(text.toLowerCase()));
  const isUsable = (address: string) => isIP(address) !== 0 && !/^fe[89ab]/.test(address);
  return { names: [...new Set(all.filter((text) => isIP(text) === 0))], addresses: [...new Set(all.filter(isUsable))] };
}

async function newCertificate(options: TlsOptions): Promise<Pair> {
  await import('@simplewebauthn/server'); // it brings Reflect.metadata, without which the next one cannot be loaded
  const x509 = await import('@peculiar/x509');
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const { names, addresses } = subjects(options);
  const notBefore = new Date(options.clock.wall() - dayMs);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...{ keys, notBefore, signingAlgorithm: algorithm },
    name: [{ CN: [`facelatch on ${options.machineName}`.slice(0, 64)] }],
    notAfter: new Date(notBefore.getTime() + lifeMs),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        ...names.map((value) => ({ type: 'dns', value }) as const),
        ...addresses.map((value) => ({ type: 'ip', value }) as const),
      ]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const key = createPrivateKey({ key: Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)), format: 'der', type: 'pkcs8' });
  return { certificate: certificate.toString('pem'), key: key.export({ format: 'pem', type: 'pkcs8' }).toString().trim() };
}
