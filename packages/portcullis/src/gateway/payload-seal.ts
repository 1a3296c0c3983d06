/** The tenant's data key as the audit knows it: what is sealed for one call and one side of it opens for no other. */
import type { PayloadPlace, PayloadSeal } from '../audit/payload.ts'
import { SealBroken } from '../data-protection/envelope.ts'
import type { Keyring } from '../data-protection/keyring.ts'

/** A tenant whose keys were destroyed gets new ones, which open nothing old. */
export function payloadSeal(keyring: Pick<Keyring, 'of' | 'existing'>): PayloadSeal {
  return {
    seal: async (text, place) => (await keyring.of(place.tenant)).seal(text, cellOf(place)),
    async open(sealed, place) {
      const keys = await keyring.existing(place.tenant)
      if (keys === undefined) throw new SealBroken()
      return keys.open(sealed, cellOf(place))
    },
  }
}

/** The tenant, and with it the chain, is bound in by the keyring. */
const cellOf = ({ incident, kind }: PayloadPlace) => ({ table: 'audit-payloads', column: kind, row: incident })
