/** `portcullis cert trust`: tells how clients come to trust the local authority. It changes the trust of no machine by itself. */
import { resolve } from 'node:path'
import { stateLayout } from '../config/state-layout.ts'
import { authorityFile } from '../pki/authority.ts'
import { writeWhole } from '../pki/private-file.ts'
import { type AdminOptions, withAdmin } from './open-admin.ts'
import { minute } from './show-list.ts'
import { printable, type Terminal } from './terminal.ts'

export interface CertTrustOptions extends AdminOptions {
  readonly out?: string
  readonly prepare?: boolean
}

interface Root {
  readonly subject: string
  readonly fingerprint256: string
  readonly expiresAt: number
}

const NONE = 'There is no local authority yet; make one with: portcullis cert trust --prepare'

/** What they trust goes to standard output or into a file, everything else to standard error. */
export async function certTrust(options: CertTrustOptions, terminal: Terminal): Promise<void> {
  const { out, prepare, json } = options
  await withAdmin(options, terminal, async ({ config, ask }) => {
    const authority =
      prepare === true
        ? await ask({ method: 'POST', path: '/authority/prepare', body: {} }, NONE)
        : await ask({ method: 'GET', path: '/authority' }, NONE)
    const bundle = String(authority['bundle'])
    if (out !== undefined) writeWhole(resolve(out), bundle, 0o644)
    if (json === true) terminal.out(JSON.stringify(authority))
    else if (out === undefined) terminal.out(bundle.trimEnd())
    const own = config && authorityFile(stateLayout(config).authority)
    for (const line of instructions(authority['roots'] as readonly Root[], out ? resolve(out) : own)) terminal.err(line)
    if (authority['rootKey'] === 'here') terminal.err(OFFLINE)
  })
}

const OFFLINE =
  'The key of the root is on this machine. The gateway does not need it: take authority/issuer/root.key to a safe place.'

function instructions(roots: readonly Root[], file = 'the file'): readonly string[] {
  return [
    '',
    ...roots.map(
      ({ subject, fingerprint256, expiresAt }) =>
        `${printable(subject)}, until ${minute(expiresAt)}\n  SHA-256 ${fingerprint256}: compare it before you trust it`,
    ),
    'Node.js:        NODE_EXTRA_CA_CERTS=' + file,
    'curl:           curl --cacert ' + file,
    'Python:         SSL_CERT_FILE=' + file,
    `Debian, Ubuntu: sudo install -m 644 ${file} /usr/local/share/ca-certificates/portcullis.crt && sudo update-ca-certificates`,
    `Fedora, RHEL:   sudo trust anchor ${file}`,
    `macOS:          sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain ${file}`,
    `Windows:        certutil -addstore -f Root ${file}`,
    'A store of the system makes every program of the machine trust the authority; the first three make one program.',
  ]
}
