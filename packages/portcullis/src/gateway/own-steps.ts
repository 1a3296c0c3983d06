/**
 * Decides which intermediates stand beside the authorities of clients: ours, where our root is one of these. Node does not tell
 * a server which intermediates a client has sent, so those that are not known here cannot be checked.
 */
import { readdirSync } from 'node:fs'
import type { StateLayout } from '../config/state-layout.ts'
import type { Clock } from '../core/clock.ts'
import { readHierarchy } from '../pki/authority/hierarchy.ts'
import { authorityPlaces } from '../pki/authority/places.ts'

/** Another intermediate is made once in some months, and is known here before anybody can have a certificate of it in use. */
const LOOK_MS = 2_000

export class OwnSteps {
  readonly #folder: string
  readonly #listed: readonly string[]
  readonly #clock: Clock
  #seen = ''
  #current: readonly string[] = []
  #timer: NodeJS.Timeout | undefined

  /** `listed` are the authorities of clients, PEM. Throws PkiError. */
  constructor({ authority }: Pick<StateLayout, 'authority'>, listed: readonly string[], clock: Clock) {
    this.#folder = authority
    this.#listed = listed
    this.#clock = clock
    if (listed.length > 0) this.#read()
  }

  /** PEM. */
  get current(): readonly string[] {
    return this.#current
  }

  /** `changed` is told of another intermediate. */
  follow(changed: () => void): void {
    if (this.#current.length === 0) return
    this.#timer = setInterval(() => {
      try {
        if (this.#read()) changed()
      } catch {
        // Those that were read stay; what is wrong with the folder is told by whoever issues.
      }
    }, LOOK_MS).unref()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  /** True when there are others than before. */
  #read(): boolean {
    const seen = this.#look()
    if (seen === this.#seen) return false
    const found = seen === '' ? undefined : readHierarchy(this.#folder, this.#clock.now())
    const isOurs = found !== undefined && this.#listed.some((pem) => pem.includes(found.root.certificate.trim()))
    this.#current = isOurs ? found.intermediates.map(({ certificate }) => certificate) : []
    this.#seen = seen
    return true
  }

  #look(): string {
    try {
      return readdirSync(authorityPlaces(this.#folder).issuer).join()
    } catch {
      return ''
    }
  }
}
