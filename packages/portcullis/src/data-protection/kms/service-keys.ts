/** What all key management services have in common as keepers of a key-encryption key: names, and the checks of what they answer. */
import { Secret } from '../../core/secret.ts'
import { KEY_BYTES, randomKey } from '../envelope.ts'
import type { KeyEncryption, KeyPlace, WrappedKey } from '../key-encryption.ts'
import { refused } from './ask.ts'

export type ServiceName = 'aws-kms' | 'gcp-kms' | 'azure-key-vault' | 'vault-transit'

/** One service, asked by its own protocol. */
export interface KeyService {
  readonly name: ServiceName
  /** Whether the id is of a key that this one asks for. */
  readonly owns: (id: string) => boolean
  /** `id` tells which key, and which version of it, the service has used. */
  readonly encrypt: (key: Buffer, place: KeyPlace) => Promise<{ readonly id: string; readonly wrapped: string }>
  /** Rejects with SealBroken where the service says that the wrapped key is not of this place. */
  readonly decrypt: (id: string, wrapped: string, place: KeyPlace) => Promise<Buffer>
}

/** Of no tenant: names of tenants have no `@`. */
const PROBE: KeyPlace = { tenant: '@probe', id: '0' }

export function serviceKeys(service: KeyService): KeyEncryption {
  const prefix = `${service.name}:`
  const wrap = async (key: Secret<Buffer>, place: KeyPlace): Promise<WrappedKey> => {
    const { id, wrapped } = await service.encrypt(key.reveal(), place)
    if (!service.owns(id)) throw refused(service.name, 'has wrapped by another key than it was asked to')
    return { wrappedBy: prefix + id, wrapped }
  }
  return {
    owns: (wrappedBy) => wrappedBy.startsWith(prefix) && service.owns(wrappedBy.slice(prefix.length)),
    wrap,
    async unwrap({ wrappedBy, wrapped }, place) {
      const key = await service.decrypt(wrappedBy.slice(prefix.length), wrapped, place)
      if (key.length !== KEY_BYTES)
        throw refused(service.name, `gave back ${key.length} bytes for a key of ${KEY_BYTES}`)
      return new Secret(key)
    },
    // To ask for the description of a key takes a right that is needed for nothing else.
    current: async () => (await wrap(randomKey(), PROBE)).wrappedBy,
  }
}
