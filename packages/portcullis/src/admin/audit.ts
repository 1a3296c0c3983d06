/** `/audit`: the records of a tenant, the newest first. What is read here is not verified; `portcullis audit verify` does that. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { chainFolder } from '../audit/ledger.ts'
import { isRecordCursor, readPage } from '../audit/page.ts'
import { GATEWAY_TENANT } from '../audit/record.ts'
import { segmentsWithin } from '../audit/search.ts'
import { OUTCOMES, RECORD_KINDS } from '../audit/tail.ts'
import { instant, optional, refuseField, text, whole, word } from './fields.ts'
import { type AdminCall, type AdminRoute, ADMINISTRATORS, AUDITORS, route } from './route.ts'

const FILTER = {
  limit: optional(whole('records of one page', 1, 500)),
  cursor: optional(text('the `next` of the page before', { max: 40 })),
  incident: optional(text('only this one', { max: 64 })),
  principal: optional(text('only of this principal', { max: 512 })),
  target: optional(text('only about this tool, prompt or resource', { max: 512 })),
  upstream: optional(text('only of this upstream', { max: 64 })),
  code: optional(text('only with this code of the fault table', { max: 64 })),
  outcome: optional(word('only outcomes of this sort', OUTCOMES)),
  from: optional(instant('not before')),
  to: optional(instant('before')),
  kind: optional(word('only of this kind', RECORD_KINDS)),
}

/** About 20 ms of reading. */
const MAX_LINES = 2_000

export const AUDIT_ROUTES: readonly AdminRoute[] = [
  route({
    ...{ method: 'GET', path: '/audit', name: 'readAudit' },
    summary: 'Records of a tenant, the newest first. A page that is empty but has a `next` is not the last.',
    may: AUDITORS,
    query: FILTER,
    run: (call) => read(call, call.tenant),
  }),
  route({
    ...{ method: 'GET', path: '/audit/gateway', name: 'readGatewayAudit' },
    summary: 'Records of what belongs to no tenant: of the gateway itself, and of refused strangers.',
    may: AUDITORS,
    reach: 'gateway',
    query: FILTER,
    run: (call) => read(call, GATEWAY_TENANT),
  }),
  route({
    ...{ method: 'POST', path: '/audit/rotate-key', name: 'rotateAuditKey' },
    summary: 'Makes a new key for the checkpoints of all chains, which say so, and destroys the old one.',
    may: ADMINISTRATORS,
    reach: 'gateway',
    run: ({ view, change }) =>
      change(async (announce) => {
        await announce({ what: 'audit.key-rotated', id: 'audit' })
        return { document: { ...(await view.rotateAuditKey()) } }
      }, GATEWAY_TENANT),
  }),
]

async function read({ view, query }: AdminCall<typeof FILTER>, tenant: string) {
  const { limit = 50, cursor, ...filter } = query
  if (cursor !== undefined && !isRecordCursor(cursor)) return refuseField('cursor', 'what a page gave as `next`')
  const folder = join(view.auditFolder, chainFolder(tenant))
  const segments = existsSync(folder) ? await segmentsWithin(folder, filter) : []
  const page = readPage(folder, {
    ...{ filter, limit, maxLines: MAX_LINES, segments },
    ...(cursor !== undefined && { cursor }),
  })
  return { document: { ...page } }
}
