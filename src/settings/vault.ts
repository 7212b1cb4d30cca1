/** Settings of the vault: where the key comes from that protects faces at rest. */
import { string } from './kinds.ts';

export const vault = {
  keyFile: string(
    'File with the key of the vault, such as one on a USB stick or a mounted share. It is made by `facelatch vault init --with file`; an existing vault moves there with `facelatch vault rekey --with file`. While the file is not there the door recognises nobody. Empty: a systemd credential, a passphrase, or a key beside the data; docs/operate/vault.md compares them.',
    '',
    /^$|^\//,
    'empty, or an absolute path',
  ),
};
