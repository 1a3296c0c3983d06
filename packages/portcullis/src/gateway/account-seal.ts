import { SealBroken } from '../data-protection/envelope.ts'
import type { Keyring } from '../data-protection/keyring.ts'
import type { Seal } from '../identity/server/seal.ts'

/** Secrets of accounts lie sealed by the data key of their tenant, and end with it. */
export function accountSeal(keyring: Pick<Keyring, 'of' | 'existing'>): Seal {
  return {
    async seal(text, { tenant, ...cell }) {
      return (await keyring.of(tenant)).seal(text, cell)
    },
    async open(sealed, { tenant, ...cell }) {
      const seal = await keyring.existing(tenant)
      if (seal === undefined) throw new SealBroken()
      return seal.open(sealed, cell)
    },
  }
}
