/** `/audit/payloads`: what was kept of a call beside its digests. For auditors alone, and each reading is on record before it. */
import { join } from 'node:path'
import { chainFolder } from '../audit/ledger.ts'
import { openPayload, payloadsOf } from '../audit/payload-read.ts'
import { payloadSeal } from '../gateway/payload-seal.ts'
import { unknownThing } from './known.ts'
import { type AdminCall, type AdminRoute, route } from './route.ts'

export const PAYLOAD_ROUTES: readonly AdminRoute[] = [
  route({
    ...{ method: 'GET', path: '/audit/payloads/{incident}', name: 'readPayloads' },
    summary: 'Arguments and result of a call, as far as they were kept. The reading is recorded.',
    // Who looks after the gateway has no business with what goes through it.
    may: ['auditor'],
    run: read,
  }),
]

async function read({ view, tenant, path, change }: AdminCall) {
  const { incident = '' } = path
  const folder = join(view.auditFolder, chainFolder(tenant))
  const kept = await payloadsOf(folder, incident)
  if (kept.length === 0) throw unknownThing('payload', incident)
  return change(async (announce) => {
    const kinds = kept.map(({ kind }) => kind)
    await announce({ what: 'payload.read', id: incident, detail: { kinds } })
    const seal = payloadSeal(view.keys().keyring)
    const payloads = []
    for (const one of kept) payloads.push(await openPayload(folder, { tenant, incident }, one, seal))
    return { document: { incident, payloads } }
  })
}
