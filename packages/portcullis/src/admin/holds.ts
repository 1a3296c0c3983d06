/** `/audit/holds`: what keeps the records of a tenant from being removed. */
import { join } from 'node:path'
import { chainFolder } from '../audit/ledger.ts'
import { liftHold, type LegalHold, readHolds, setHold } from '../audit/legal-hold.ts'
import { holdFile } from '../gateway/build-retention.ts'
import { type Fields, text } from './fields.ts'
import { unknownThing } from './known.ts'
import { type AdminCall, type AdminRoute, AUDITORS, route } from './route.ts'

const NAME = /^[A-Za-z0-9][\w.:-]{0,63}$/
const WHY = { reason: text('why, for the record') }

export const HOLD_ROUTES: readonly AdminRoute[] = [
  route({
    ...{ method: 'GET', path: '/audit/holds', name: 'listHolds', summary: 'The legal holds of a tenant.' },
    may: AUDITORS,
    run: ({ view, tenant }) => ({ document: { holds: readHolds(fileOf(view.auditFolder, tenant)) } }),
  }),
  route({
    ...{ method: 'PUT', path: '/audit/holds/{name}', name: 'setHold' },
    summary: 'Keeps all audit records of a tenant until the hold is lifted, whatever the retention says.',
    may: AUDITORS,
    body: WHY,
    run: set,
  }),
  route({
    ...{ method: 'POST', path: '/audit/holds/{name}/lift', name: 'liftHold' },
    summary: 'Lifts a hold. Records are removed again once none stands.',
    may: AUDITORS,
    body: WHY,
    run: lift,
  }),
]

const fileOf = (auditFolder: string, tenant: string) => holdFile(join(auditFolder, chainFolder(tenant)))

function set({ view, tenant, asker, path, body, change }: AdminCall<Fields, typeof WHY>) {
  const name = nameIn(path)
  return change(async (announce) => {
    await announce({ what: 'hold.set', id: name, detail: { reason: body.reason } })
    // The record has made the folder of the chain where there was none.
    const hold: LegalHold = { name, reason: body.reason, by: asker.id, since: view.clock.now() }
    setHold(fileOf(view.auditFolder, tenant), hold)
    return { document: { ...hold } }
  })
}

function lift({ view, tenant, path, body, change }: AdminCall<Fields, typeof WHY>) {
  const name = nameIn(path)
  return change(async (announce) => {
    const file = fileOf(view.auditFolder, tenant)
    const hold = readHolds(file).find((one) => one.name === name)
    if (hold === undefined) throw unknownThing('hold', name)
    await announce({ what: 'hold.lifted', id: name, detail: { reason: body.reason } })
    liftHold(file, name)
    return { document: { ...hold, lifted: true } }
  })
}

function nameIn({ name = '' }: AdminCall['path']): string {
  if (!NAME.test(name)) throw unknownThing('hold', name)
  return name
}
