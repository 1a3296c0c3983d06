/** Key-encryption keys that this machine keeps itself, in a file or its keychain. The newest wraps, all of them unwrap. */
import { randomBytes } from 'node:crypto'
import { Secret } from '../core/secret.ts'
import { bindingOf, openBytes, randomKey, KEY_BYTES, sealBytes, SealBroken } from './envelope.ts'
import { type KeyEncryption, type KeyPlace, KeyServiceError, placeBinding, type WrappedKey } from './key-encryption.ts'

/** Where the text of the keys is kept: whole or not at all, for nobody but its owner. */
export interface PrivateText {
  /** Undefined when there is none yet. Throws when others can read it. */
  read(): string | undefined | Promise<string | undefined>
  write(text: string): void | Promise<void>
  /** As `write`, but leaves what is there already, where several processes could begin at once. */
  begin?(text: string): void | Promise<void>
}

type WrapsAnything = (owns: (wrappedBy: string) => boolean) => Promise<boolean>

interface Key {
  readonly id: string
  readonly key: Secret<Buffer>
}

const LINE = /^([0-9a-f]{16}) ([A-Za-z0-9_-]{43})$/

/** One key a line, the newest first. Read at each use, so that a rotation by another process needs no restart. */
export class LocalKeys implements KeyEncryption {
  readonly #driver: string
  readonly #place: PrivateText
  readonly #wraps: WrapsAnything
  #beginning: Promise<void> | undefined
  /** Whether there were keys: then their absence is a loss, and not a beginning. */
  #hadKeys = false

  /**
   * Touches nothing yet; the first key is made when something is to be wrapped. `wraps` says whether something is wrapped by
   * what is owned: then no keys are a loss, or a keychain that is locked, and a new beginning would make it final.
   */
  constructor(driver: 'file' | 'keychain', place: PrivateText, wraps: WrapsAnything = async () => false) {
    this.#driver = driver
    this.#place = place
    this.#wraps = wraps
  }

  async current(): Promise<string> {
    return this.#name(await this.#newest())
  }

  owns(wrappedBy: string): boolean {
    return wrappedBy.startsWith(`${this.#driver}:`)
  }

  async holds(wrappedBy: string): Promise<boolean> {
    return (await this.#all()).some((key) => this.#name(key) === wrappedBy)
  }

  async wrap(key: Secret<Buffer>, place: KeyPlace): Promise<WrappedKey> {
    const newest = await this.#newest()
    const wrappedBy = this.#name(newest)
    const sealed = sealBytes(key.reveal(), this.#binding(place, wrappedBy), newest.key)
    return { wrappedBy, wrapped: sealed.toString('base64url') }
  }

  async unwrap({ wrappedBy, wrapped }: WrappedKey, place: KeyPlace): Promise<Secret<Buffer>> {
    const known = (await this.#all()).find((key) => this.#name(key) === wrappedBy)
    if (known === undefined) throw new SealBroken()
    const key = openBytes(Buffer.from(wrapped, 'base64url'), this.#binding(place, wrappedBy), known.key)
    if (key.length !== KEY_BYTES) throw new SealBroken()
    return new Secret(key)
  }

  async renew(): Promise<string> {
    const made = newKey()
    // With one there already, so that what is gone is not taken for a beginning.
    await this.#newest()
    await this.#save([made, ...(await this.#all())])
    return this.#name(made)
  }

  async forget(inUse: ReadonlySet<string>): Promise<void> {
    const keys = await this.#all()
    const kept = keys.filter((key, index) => index === 0 || inUse.has(this.#name(key)))
    if (kept.length < keys.length) await this.#save(kept)
  }

  async #newest(): Promise<Key> {
    const [newest] = await this.#all()
    if (newest !== undefined) return newest
    this.#beginning ??= this.#begin().finally(() => {
      this.#beginning = undefined
    })
    await this.#beginning
    // What counts is what stands there now: somebody else may have been there at the same time.
    return (await this.#all())[0] as Key
  }

  async #begin(): Promise<void> {
    if ((await this.#all()).length > 0) return
    if (await this.#wraps((wrappedBy) => this.owns(wrappedBy))) throw this.#gone()
    const text = textOf([newKey()])
    if (this.#place.begin === undefined) await this.#place.write(text)
    else await this.#place.begin(text)
  }

  async #all(): Promise<readonly Key[]> {
    const text = await this.#place.read()
    if (text === undefined && this.#hadKeys) throw this.#gone()
    if (text === undefined) return []
    this.#hadKeys = true
    return parse(text, this.#driver)
  }

  async #save(keys: readonly Key[]): Promise<void> {
    await this.#place.write(textOf(keys))
  }

  #gone(): KeyServiceError {
    return new KeyServiceError('refused', `the ${this.#driver} of the key-encryption keys has none any more`)
  }

  #name({ id }: Key): string {
    return `${this.#driver}:${id}`
  }

  #binding(place: KeyPlace, wrappedBy: string): Buffer {
    return bindingOf(placeBinding(place).toString('utf8'), wrappedBy)
  }
}

const textOf = (keys: readonly Key[]): string =>
  keys.map(({ id, key }) => `${id} ${key.reveal().toString('base64url')}\n`).join('')

const newKey = (): Key => ({ id: randomBytes(8).toString('hex'), key: randomKey() })

function parse(text: string, driver: string): readonly Key[] {
  const damaged = (): never => {
    throw new KeyServiceError(
      'refused',
      `the ${driver} of the key-encryption keys does not hold what was written there`,
    )
  }
  const keys = text
    .trimEnd()
    .split('\n')
    .map((line): Key => {
      const [, id = '', key = ''] = LINE.exec(line) ?? damaged()
      const bytes = Buffer.from(key, 'base64url')
      return bytes.length === KEY_BYTES ? { id, key: new Secret(bytes) } : damaged()
    })
  if (new Set(keys.map(({ id }) => id)).size !== keys.length) damaged()
  return keys
}
