/** An authority of our own and certificates signed by it, made with openssl, for brokers on loopback. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Certificate {
  readonly pem: string;
  readonly key: string;
  readonly pemFile: string;
  readonly keyFile: string;
}

export interface Authority extends Certificate {
  /** `subject` such as `IP:127.0.0.1`; a client has none. */
  issue(name: string, subject?: string): Certificate;
}

export function authorityIn(folder: string, name = 'authority'): Authority {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const read = (of: string): Certificate => {
    const [pemFile, keyFile] = [join(folder, `${of}.pem`), join(folder, `${of}.key`)];
    return { pem: readFileSync(pemFile, 'utf8'), key: readFileSync(keyFile, 'utf8'), pemFile, keyFile };
  };
  openssl('req', '-x509', ...curve, '-days', '2', '-keyout', `${name}.key`, '-out', `${name}.pem`, '-subj', `/CN=facelatch test ${name}`);
  return {
    ...read(name),
    issue: (of, subject) => {
      openssl('req', ...curve, '-keyout', `${of}.key`, '-out', `${of}.csr`, '-subj', `/CN=${of}`);
      writeFileSync(join(folder, `${of}.ext`), subject === undefined ? 'basicConstraints=CA:FALSE\n' : `subjectAltName=${subject}\n`);
      openssl(
        ...['x509', '-req', '-in', `${of}.csr`, '-CA', `${name}.pem`, '-CAkey', `${name}.key`, '-CAcreateserial'],
        ...['-days', '2', '-extfile', `${of}.ext`, '-out', `${of}.pem`],
      );
      return read(of);
    },
  };
}
