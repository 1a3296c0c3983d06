/** `/vault`: the keys that seal secrets at rest. */
import { GATEWAY_TENANT } from '../audit/record.ts'
import { text } from './fields.ts'
import { conflict } from './known.ts'
import { type AdminRoute, ADMINISTRATORS, route } from './route.ts'

const CERTAINTY = { confirm: text('the name of the tenant: what is shredded cannot be had back', { max: 128 }) }

export const VAULT_ROUTES: readonly AdminRoute[] = [
  route({
    ...{ method: 'POST', path: '/vault/rotate', name: 'rotateDataKey' },
    summary: 'Makes a new data key of a tenant; its credentials are sealed anew.',
    may: ADMINISTRATORS,
    run: ({ view, tenant, change }) =>
      change(async (announce) => {
        await announce({ what: 'vault.data-key-rotated', id: tenant })
        const version = await view.keys().keyring.rotate(tenant)
        return { document: { tenant, version, resealed: await view.vault().reseal(tenant) } }
      }),
  }),
  route({
    ...{ method: 'POST', path: '/vault/rewrap', name: 'rotateKeyEncryptionKey' },
    summary: 'Makes a new key-encryption key, wraps all data keys by it, and drops the old ones.',
    may: ADMINISTRATORS,
    reach: 'gateway',
    // It belongs to no tenant. Two at once would each drop a key by which the other still wraps.
    run: ({ view, change }) =>
      change(async (announce) => {
        await announce({ what: 'vault.key-encryption-key-rotated', id: 'vault' })
        const { encryption, keyring } = view.keys()
        encryption.rotate()
        const rewrapped = await keyring.rewrapAll()
        encryption.dropOld()
        return { document: { rewrapped } }
      }, GATEWAY_TENANT),
  }),
  route({
    ...{ method: 'POST', path: '/vault/shred', name: 'shredTenant' },
    summary: 'Destroys the data keys of a tenant, and with them everything that they sealed, in every copy.',
    may: ADMINISTRATORS,
    body: CERTAINTY,
    run({ view, tenant, body, change }) {
      if (body.confirm !== tenant) throw conflict('`confirm` must be the name of the tenant.')
      return change(async (announce) => {
        await announce({ what: 'vault.shredded', id: tenant })
        return { document: { tenant, removed: await view.vault().shred(tenant) } }
      })
    },
  }),
]
