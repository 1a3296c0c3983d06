/** Turns an allowed name into the addresses that may be dialled for it. Nothing else in the egress resolves a name. */
import { promises as dns } from 'node:dns'
import { networkInterfaces } from 'node:os'
import type { NetworkRule } from '../access.ts'
import { classify } from './addresses.ts'
import { Refused } from './refused.ts'

/** All addresses of a name. Rejects or gives none when there is none. */
export type Resolve = (host: string) => Promise<readonly string[]>

declare const checked: unique symbol

/** Addresses that may be dialled. Only `Reach` makes them, so nothing unchecked can be dialled by mistake. */
export type Checked = readonly [string, ...string[]] & { readonly [checked]: true }

const MAX_ANSWERS = 16
/** Look-ups that wait; a sandbox may not queue them without end behind a resolver that is slow on purpose. */
const MAX_WAITING = 64

export class Reach {
  readonly #resolve: Resolve
  readonly #hostAddresses: () => readonly string[]
  readonly #underWay = new Map<string, Promise<readonly string[]>>()
  #last: Promise<unknown> = Promise.resolve()

  constructor(resolve: Resolve = resolveBySystem, hostAddresses: () => readonly string[] = ownAddresses) {
    this.#resolve = resolve
    this.#hostAddresses = hostAddresses
  }

  /** The addresses of `host` that `rule` lets through. Throws Refused `unresolved` or `address`. */
  async check(host: string, rule: NetworkRule): Promise<Checked> {
    const answers = await this.#lookUp(host).catch((cause: unknown) => {
      throw new Refused('unresolved', cause)
    })
    if (answers.length === 0) throw new Refused('unresolved')
    const own = this.#hostAddresses()
    const good = answers.slice(0, MAX_ANSWERS).filter((address) => mayDial(address, own, rule))
    if (good.length === 0) throw new Refused('address')
    return good as unknown as Checked
  }

  /** One at a time, because the threads that resolve are few and all of the gateway's callers share them. */
  #lookUp(host: string): Promise<readonly string[]> {
    const known = this.#underWay.get(host)
    if (known !== undefined) return known
    if (this.#underWay.size >= MAX_WAITING) return Promise.reject(new Error('too many look-ups'))
    const found = this.#last.then(() => this.#resolve(host)).finally(() => this.#underWay.delete(host))
    this.#underWay.set(host, found)
    this.#last = found.catch(() => {})
    return found
  }
}

function mayDial(address: string, own: readonly string[], { privateAddresses = false }: NetworkRule): boolean {
  const kind = classify(address, own)
  return kind === 'public' || (kind === 'private' && privateAddresses)
}

/** As the host does it, its file of hosts included. */
const resolveBySystem: Resolve = async (host) => {
  const answers = await dns.lookup(host, { all: true, order: 'verbatim' })
  return answers.map(({ address }) => address)
}

function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((addresses = []) => addresses.map(({ address }) => address))
}
