/** Decides whose signature a key can make: a key belongs to one tenant and to one principal, client or credential there. */
import type { Principal } from '../core/principal.ts'
import type { NamedKey } from './algorithms.ts'
import { SignatureProblem } from './problem.ts'

export interface ClientKey extends NamedKey {
  readonly tenant: string
  readonly owner: KeyOwner
}

/** `principal` is its id, `client` an OAuth client, `credential` the id of an API key. */
export interface KeyOwner {
  readonly kind: 'principal' | 'client' | 'credential'
  readonly id: string
}

export class KeyTable {
  readonly #keys: ReadonlyMap<string, ClientKey>

  constructor(keys: readonly ClientKey[]) {
    this.#keys = new Map(keys.map((key) => [nameOf(key.tenant, key.id), key]))
  }

  /** Throws SignatureProblem for a key that nobody has in this tenant, and for one that another caller has. */
  keyOf(principal: Principal, keyId: unknown): ClientKey {
    const key = typeof keyId === 'string' ? this.#keys.get(nameOf(principal.tenant, keyId)) : undefined
    if (key === undefined) throw new SignatureProblem('an unknown key')
    if (!owns(principal, key.owner)) throw new SignatureProblem('the key of another caller')
    return key
  }
}

function owns({ id, credential }: Principal, owner: KeyOwner): boolean {
  if (owner.kind === 'principal') return owner.id === id
  return owner.id === (owner.kind === 'client' ? credential.client : credential.id)
}

const nameOf = (tenant: string, keyId: string): string => JSON.stringify([tenant, keyId])
