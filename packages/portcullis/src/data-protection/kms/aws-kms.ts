/** AWS KMS by its JSON protocol: Encrypt and Decrypt, signed (Signature Version 4), bound by the encryption context. */
import type { Clock } from '../../core/clock.ts'
import { SealBroken } from '../envelope.ts'
import type { KeyPlace } from '../key-encryption.ts'
import { type Ask, bytesOf, objectOf, type Question, refused, type Reply, textOf } from './ask.ts'
import { type AwsCredentials, awsDomain } from './aws-credentials.ts'
import type { KeyService } from './service-keys.ts'

export interface AwsKmsOptions {
  /** Id, ARN or alias of a symmetric key. */
  readonly key: string
  readonly region: string
  /** Origin; that of the region when absent. */
  readonly endpoint?: string | undefined
  readonly credentials: () => Promise<AwsCredentials>
  readonly ask: Ask
  readonly clock: Clock
}

const SERVICE = 'aws-kms'
/** The wrapped key was changed, is of another key, or of another context. */
const BROKEN = new Set(['InvalidCiphertextException', 'IncorrectKeyException'])
/** Said with status 400, and may be another answer soon. */
const BUSY = new Set(['ThrottlingException', 'LimitExceededException', 'KMSInternalException'])

export function awsKms({ key, region, endpoint, credentials, ask, clock }: AwsKmsOptions): KeyService {
  const url = `${endpoint ?? `https://kms.${region}.${awsDomain(region)}`}/`
  const call = async (action: 'Encrypt' | 'Decrypt', input: object) => {
    const body = JSON.stringify(input)
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `TrentService.${action}` }
    const question = async () => signed({ url, method: 'POST', headers, body }, await credentials(), region, clock)
    const reply = await ask(question, (answer) => BUSY.has(kindOf(answer)) || undefined)
    if (reply.status === 200) return objectOf(SERVICE, reply)
    if (action === 'Decrypt' && BROKEN.has(kindOf(reply))) throw new SealBroken()
    throw refused(SERVICE, `answered ${reply.status} ${kindOf(reply)}`)
  }
  return {
    name: SERVICE,
    owns: ownerOf(key, region),
    async encrypt(plain, place) {
      const input = { KeyId: key, Plaintext: plain.toString('base64'), EncryptionContext: contextOf(place) }
      const { KeyId, CiphertextBlob } = await call('Encrypt', input)
      return { id: textOf(SERVICE, KeyId, 'a key id'), wrapped: bytesOf(SERVICE, CiphertextBlob).toString('base64url') }
    },
    async decrypt(id, wrapped, place) {
      const blob = Buffer.from(wrapped, 'base64url').toString('base64')
      const answer = await call('Decrypt', { KeyId: id, CiphertextBlob: blob, EncryptionContext: contextOf(place) })
      if (answer['KeyId'] !== id) throw refused(SERVICE, 'has unwrapped by another key than it was asked to')
      return bytesOf(SERVICE, answer['Plaintext'])
    },
  }
}

/**
 * Of a key that was named by its id or ARN no other one is believed, or whoever can write the store could have a key of an
 * account of their own used. Behind an alias may be any key of the account and the region that it names.
 */
function ownerOf(key: string, region: string): (id: string) => boolean {
  const parts = key.split(':')
  const [name, account] = parts.length === 6 ? [parts[5] ?? '', parts[4]] : [key, undefined]
  const isAlias = name.startsWith('alias/')
  const id = name.replace(/^key\//, '')
  return (found) => {
    const [arn, , service, where, owner, resource, ...rest] = found.split(':')
    if (arn !== 'arn' || service !== 'kms' || where !== region || rest.length > 0) return false
    if (account !== undefined && owner !== account) return false
    return isAlias ? resource?.startsWith('key/') === true : resource === `key/${id}`
  }
}

/** It stands in the logs of AWS as it is, so a tenant can be found there. */
const contextOf = ({ tenant, id }: KeyPlace) => ({ purpose: 'portcullis tenant key', tenant, id })

async function signed(question: Question, { id, secret, session }: AwsCredentials, region: string, clock: Clock) {
  const { AwsV4Signer } = await import('aws4fetch')
  const signer = new AwsV4Signer({
    ...question,
    ...{ service: 'kms', region, accessKeyId: id, secretAccessKey: secret.reveal() },
    ...(session && { sessionToken: session.reveal() }),
    datetime: new Date(clock.now()).toISOString().replaceAll(/[:-]|\.\d{3}/g, ''),
  })
  const { headers } = await signer.sign()
  return { ...question, headers: Object.fromEntries(headers as unknown as Iterable<[string, string]>) }
}

/** `__type` may come with a namespace before a `#`. */
function kindOf({ text }: Reply): string {
  try {
    const { __type: kind } = JSON.parse(text) as { readonly __type?: unknown }
    return typeof kind === 'string' ? (/(?:^|#)(\w{1,64})$/.exec(kind)?.[1] ?? '') : ''
  } catch {
    return ''
  }
}
