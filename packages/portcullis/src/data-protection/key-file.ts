/** The driver that keeps key-encryption keys in a file of the state folder. The newest wraps, all of them unwrap. */
import { randomBytes } from 'node:crypto'
import { Secret } from '../core/secret.ts'
import { bindingOf, openBytes, sealBytes, SealBroken } from './envelope.ts'
import type { KeyEncryption, KeyPlace, WrappedKey } from './key-encryption.ts'

/** How the file is reached: whole or not at all, mode 0600. */
export interface PrivateText {
  /** Undefined when there is none yet. Throws when others can read it. */
  read(): string | undefined
  write(text: string): void
}

interface Key {
  readonly id: string
  readonly key: Secret<Buffer>
}

const KEY_BYTES = 32
const LINE = /^([0-9a-f]{16}) ([A-Za-z0-9_-]{43})$/

/** One key a line, the newest first. Read at each use of another key than the known ones, so a rotation needs no restart. */
export class KeyFile implements KeyEncryption {
  readonly #file: PrivateText
  #keys: readonly Key[]

  /** Makes the file with a first key when there is none. Throws what `file` throws, and an Error for a file that is no key file. */
  constructor(file: PrivateText) {
    this.#file = file
    const text = file.read()
    this.#keys = text === undefined ? this.#save([newKey()]) : parse(text)
  }

  async current(): Promise<string> {
    this.#reload()
    return this.#newest().id
  }

  async wrap(key: Secret<Buffer>, place: KeyPlace): Promise<WrappedKey> {
    this.#reload()
    const { id, key: kek } = this.#newest()
    return { wrappedBy: id, wrapped: sealBytes(key.reveal(), binding(place, id), kek).toString('base64url') }
  }

  async unwrap({ wrappedBy, wrapped }: WrappedKey, place: KeyPlace): Promise<Secret<Buffer>> {
    const known = this.#find(wrappedBy) ?? (this.#reload(), this.#find(wrappedBy))
    if (known === undefined) throw new SealBroken()
    const key = openBytes(Buffer.from(wrapped, 'base64url'), binding(place, wrappedBy), known.key)
    if (key.length !== KEY_BYTES) throw new SealBroken()
    return new Secret(key)
  }

  /** Puts a new key in front. Data keys that are wrapped anew afterwards need the old ones no more. */
  rotate(): string {
    this.#reload()
    this.#keys = this.#save([newKey(), ...this.#keys])
    return this.#newest().id
  }

  /** Forgets every key but the newest. Only after all data keys have been wrapped anew. */
  dropOld(): void {
    this.#reload()
    this.#keys = this.#save([this.#newest()])
  }

  #newest(): Key {
    return this.#keys[0] as Key
  }

  #find(id: string): Key | undefined {
    return this.#keys.find((key) => key.id === id)
  }

  #reload(): void {
    const text = this.#file.read()
    if (text === undefined) throw new Error('the file of the key-encryption keys is gone')
    this.#keys = parse(text)
  }

  #save(keys: readonly Key[]): readonly Key[] {
    this.#file.write(keys.map(({ id, key }) => `${id} ${key.reveal().toString('base64url')}\n`).join(''))
    return keys
  }
}

/** 32 random bytes for AES-256. */
export const randomKey = (): Secret<Buffer> => new Secret(randomBytes(KEY_BYTES))

const newKey = (): Key => ({ id: randomBytes(8).toString('hex'), key: randomKey() })

const binding = ({ tenant, version }: KeyPlace, id: string): Buffer => bindingOf('data-key', tenant, version, id)

function parse(text: string): readonly Key[] {
  const keys = text
    .trimEnd()
    .split('\n')
    .map((line): Key => {
      const [, id = '', key = ''] = LINE.exec(line) ?? []
      const bytes = Buffer.from(key, 'base64url')
      if (bytes.length !== KEY_BYTES) throw new Error('the file of the key-encryption keys is damaged')
      return { id, key: new Secret(bytes) }
    })
  if (new Set(keys.map(({ id }) => id)).size !== keys.length) throw new Error('a key-encryption key occurs twice')
  return keys
}
