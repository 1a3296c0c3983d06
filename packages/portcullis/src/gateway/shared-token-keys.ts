/** Decides which keys several gateways have in common: those that the authorization server signs with, and that of the nonces. Sealed, they lie in the store. */
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Clock } from '../core/clock.ts'
import { Secret } from '../core/secret.ts'
import type { Keyring } from '../data-protection/keyring.ts'
import type { Vault } from '../data-protection/vault/vault.ts'
import { parseTokenKeys, renewTokenKeys, type RotationRule, type TokenKeys } from '../pki/token-keys.ts'
import type { TurnStore } from '../stores/turn-store.ts'

export interface SharedTokenKeysParts {
  readonly vault: Pick<Vault, 'get' | 'put'>
  readonly turns: TurnStore
  readonly clock: Clock
}

/** No tenant and no upstream of a configuration can be called so. */
const PLACE = { tenant: '@gateway', upstream: '@tokens', kind: 'static' } as const
const TURN = '@tokens'
const TURN_MS = 10_000
const ASK_AGAIN_MS = 50

/** Reads them; makes or renews them when it is time, which exactly one of all nodes does. Rejects with what vault and store throw, and PkiError. */
export async function sharedTokenKeys(parts: SharedTokenKeysParts, rule: RotationRule): Promise<TokenKeys> {
  const { turns, clock } = parts
  const known = await read(parts)
  if (known !== undefined && renewTokenKeys(known, clock.now(), rule) === known) return known
  const holder = randomUUID()
  while (!(await turns.take(TURN, holder, TURN_MS))) await pause(ASK_AGAIN_MS)
  try {
    const current = await read(parts)
    const keys = renewTokenKeys(current, clock.now(), rule)
    if (keys === current) return keys
    // Whoever was held up for longer than its turn must not write over what another node signs with by now.
    if (!(await turns.keep(TURN, holder, TURN_MS))) return await sharedTokenKeys(parts, rule)
    await turns.guard(TURN, holder, () => parts.vault.put(PLACE, new Secret(JSON.stringify(keys))))
    return keys
  } finally {
    await turns.pass(TURN, holder).catch(() => undefined)
  }
}

/** What nonces are made from, on every node. Rejects as the keyring does; then this node has not the key-encryption key of the others. */
export async function sharedNonceKey(keyring: Pick<Keyring, 'of'>): Promise<Secret<Uint8Array> | undefined> {
  // The first data key stays for as long as the store does, whichever one seals now.
  return (await keyring.of(PLACE.tenant)).derived('nonces of proofs', 1)
}

async function read({ vault }: SharedTokenKeysParts): Promise<TokenKeys | undefined> {
  const deposit = await vault.get(PLACE)
  return deposit && parseTokenKeys(deposit.value.reveal(), 'what is kept of the keys of the authorization server')
}
