/** Google Cloud KMS by REST: encrypt and decrypt with additional authenticated data, and checksums in both directions. */
import { SealBroken } from '../envelope.ts'
import { type KeyPlace, placeBinding } from '../key-encryption.ts'
import { type Ask, bytesOf, objectOf, refused, type Reply, textOf } from './ask.ts'
import { crc32c } from './crc32c.ts'
import type { KeyService } from './service-keys.ts'
import { askWith, type TokenSource } from './token.ts'

export interface GcpKmsOptions {
  /** `projects/P/locations/L/keyRings/R/cryptoKeys/K`. */
  readonly key: string
  readonly endpoint?: string | undefined
  readonly tokens: TokenSource
  readonly ask: Ask
}

const SERVICE = 'gcp-kms'
const ENDPOINT = 'https://cloudkms.googleapis.com'

export function gcpKms({ key, endpoint = ENDPOINT, tokens, ask }: GcpKmsOptions): KeyService {
  const call = async (action: 'encrypt' | 'decrypt', input: object) => {
    const reply = await askWith(ask, tokens, (token) => ({
      url: `${endpoint}/v1/${key}:${action}`,
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token.reveal()}` },
      body: JSON.stringify(input),
    }))
    if (reply.status === 200) return objectOf(SERVICE, reply)
    // What was changed or bound to another place is an invalid argument; a version that is disabled is a failed precondition,
    // with the same status of HTTP, and may be enabled again.
    const kind = kindOf(reply)
    if (action === 'decrypt' && kind === 'INVALID_ARGUMENT') throw new SealBroken()
    throw refused(SERVICE, `answered ${reply.status} ${kind}`.trimEnd())
  }
  return {
    name: SERVICE,
    owns: (id) => id.startsWith(`${key}/cryptoKeyVersions/`),
    async encrypt(plain, place) {
      const answer = await call('encrypt', { ...checked('plaintext', plain), ...bound(place) })
      if (answer['verifiedPlaintextCrc32c'] !== true || answer['verifiedAdditionalAuthenticatedDataCrc32c'] !== true)
        throw refused(SERVICE, 'has not checked what it was given')
      const wrapped = intact(answer, 'ciphertext')
      return { id: textOf(SERVICE, answer['name'], 'the version of the key'), wrapped: wrapped.toString('base64url') }
    },
    async decrypt(_id, wrapped, place) {
      const blob = Buffer.from(wrapped, 'base64url')
      return intact(await call('decrypt', { ...checked('ciphertext', blob), ...bound(place) }), 'plaintext')
    },
  }
}

/** `error.status`, a word of google.rpc.Code. */
function kindOf({ text }: Reply): string {
  try {
    const { error } = JSON.parse(text) as { readonly error?: { readonly status?: unknown } }
    return typeof error?.status === 'string' && /^[A-Z_]{1,64}$/.test(error.status) ? error.status : ''
  } catch {
    return ''
  }
}

const bound = (place: KeyPlace) => checked('additionalAuthenticatedData', placeBinding(place))

const checked = (name: string, bytes: Buffer) => ({
  [name]: bytes.toString('base64'),
  [`${name}Crc32c`]: String(crc32c(bytes)),
})

/** Throws KeyServiceError for what was changed on the way. Sums are 64-bit integers, which are text in JSON. */
function intact(answer: Readonly<Record<string, unknown>>, name: 'ciphertext' | 'plaintext'): Buffer {
  const bytes = bytesOf(SERVICE, answer[name])
  if (answer[`${name}Crc32c`] !== String(crc32c(bytes))) throw refused(SERVICE, 'answered with a wrong checksum')
  return bytes
}
