/** `/vault`: the keys that seal secrets at rest. */
import type { Detail } from '../audit/record.ts'
import { GATEWAY_TENANT } from '../audit/record.ts'
import type { Progress } from '../data-protection/reseal.ts'
import type { AdminView } from '../gateway/administration.ts'
import { flag, optional, text } from './fields.ts'
import { conflict } from './known.ts'
import { type AdminCall, type AdminRoute, ADMINISTRATORS, READERS, route } from './route.ts'

const CERTAINTY = { confirm: text('the name of the tenant: what is shredded cannot be had back', { max: 128 }) }
const RENEWAL = {
  renew: optional(flag('whether a new key-encryption key is made first, where the gateway keeps it itself')),
}

export const VAULT_ROUTES: readonly AdminRoute[] = [
  route({
    ...{ method: 'GET', path: '/vault', name: 'readKeys' },
    summary: 'Which data keys a tenant has, and how far it is with sealing anew.',
    may: READERS,
    run: async ({ view, tenant }) => ({ document: await shown(view, tenant) }),
  }),
  route({
    ...{ method: 'POST', path: '/vault/rotate', name: 'rotateDataKey' },
    summary: 'Makes a new data key of a tenant; what is sealed is sealed anew beside everything else.',
    may: ADMINISTRATORS,
    run: (call) =>
      call.change(async (announce) => {
        const { view, tenant } = call
        await announce({ what: 'vault.data-key-rotated', id: tenant })
        const version = await view.keys().keyring.rotate(tenant)
        void view
          .keys()
          .work.reseal(tenant, recorder(call, tenant, 'vault.resealed'))
          .catch(unrecorded)
        return { document: { tenant, version, progress: view.keys().work.progress(tenant) } }
      }),
  }),
  route({
    ...{ method: 'GET', path: '/vault/rewrap', name: 'readRewrapping' },
    summary:
      'How far the wrapping of all tenant keys by the current key-encryption key is, and by which keys they are wrapped.',
    may: READERS,
    reach: 'gateway',
    run: async ({ view }) => ({ document: { progress: view.keys().work.progress(), wrappedBy: await keepers(view) } }),
  }),
  route({
    ...{ method: 'POST', path: '/vault/rewrap', name: 'rotateKeyEncryptionKey' },
    summary:
      'Wraps all tenant keys by the current key-encryption key, beside everything else, and drops older ones that the gateway keeps.',
    may: ADMINISTRATORS,
    reach: 'gateway',
    body: RENEWAL,
    run: rewrap,
  }),
  route({
    ...{ method: 'POST', path: '/vault/shred', name: 'shredTenant' },
    summary: 'Destroys the keys of a tenant, and with them everything that they sealed, in every copy.',
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

/** It belongs to no tenant. */
function rewrap(call: AdminCall<{}, typeof RENEWAL>) {
  const { view, body, change } = call
  return change(async (announce) => {
    const { encryption, work } = view.keys()
    if (body.renew === true && !(await encryption.canRenew()))
      throw conflict(
        'The key-encryption key is kept elsewhere; make a new version of it there, then repeat without it.',
      )
    const what = body.renew === true ? 'vault.key-encryption-key-rotated' : 'vault.tenant-keys-rewrapped'
    await announce({ what, id: 'vault' })
    if (body.renew === true) await encryption.renew()
    void work.rewrap(recorder(call, GATEWAY_TENANT, 'vault.rewrapped')).catch(unrecorded)
    return { document: { progress: work.progress() } }
  }, GATEWAY_TENANT)
}

/** The end of a work that goes on after its request is on record too. */
const recorder =
  ({ view, asker }: Pick<AdminCall, 'view' | 'asker'>, tenant: string, what: string) =>
  ({ state, changed, broken, total, problem }: Progress): Promise<void> => {
    const detail: Detail = { state, changed, broken, total, ...(problem !== undefined && { problem }) }
    return view.ledger.append(tenant, { kind: 'change', what, by: asker.id, detail })
  }

/** The work itself was announced; the ledger tells of its own failure. */
const unrecorded = (): void => {}

async function shown({ stores, keys }: AdminView, tenant: string) {
  const held = await stores.dataKeys.ofTenant(tenant)
  const tenantKey = await keys().tenantKeys.find(tenant)
  return {
    tenant,
    wrappedBy: tenantKey?.wrappedBy,
    versions: held
      .filter(({ wrappedBy }) => wrappedBy === tenantKey?.id)
      .map(({ version, createdAt }) => ({ version, createdAt })),
    progress: keys().work.progress(tenant),
  }
}

async function keepers({ keys }: AdminView): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {}
  for (const { wrappedBy } of await keys().tenantKeys.list()) counts[wrappedBy] = (counts[wrappedBy] ?? 0) + 1
  return counts
}
