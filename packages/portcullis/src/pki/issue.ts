/**
 * Makes the two certificates of an authority without intermediates. Its X.509 library takes long to load: import it only when
 * something has to be issued.
 */
import { isIP } from 'node:net'
import { type Issued, selfSigned, signLeaf } from './authority/make-certificate.ts'
import { exportKey, generateKeys } from './signing-key.ts'

const DAY_MS = 86_400_000

/** A self-signed root that may sign leaves only. `now` in milliseconds. */
export const issueAuthority = (commonName: string, days: number, now: number): Promise<Issued> =>
  selfSigned([{ CN: [commonName] }], 0, days, now)

/** A certificate for a server of these names and addresses, and for nothing else. `now` in milliseconds. */
export async function issueServer(
  authority: Issued,
  names: readonly [string, ...string[]],
  days: number,
  now: number,
): Promise<Issued> {
  const keys = await generateKeys()
  const subjects = names.map((name) => ({ type: isIP(name) === 0 ? ('dns' as const) : ('ip' as const), value: name }))
  const wish = { use: 'server', subject: names[0], names: subjects, publicKey: keys.publicKey } as const
  const certificate = await signLeaf(authority, { ...wish, notAfter: now + days * DAY_MS }, now)
  return { certificate, key: await exportKey(keys.privateKey) }
}
