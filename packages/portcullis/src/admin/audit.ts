/** `/audit`: the records of a tenant, the newest first. What is read here is not verified; `portcullis audit verify` does that. */
import { join } from 'node:path'
import { chainFolder } from '../audit/ledger.ts'
import { isRecordCursor, readPage } from '../audit/page.ts'
import { GATEWAY_TENANT } from '../audit/record.ts'
import { optional, refuseField, text, whole, word } from './fields.ts'
import { type AdminCall, type AdminRoute, AUDITORS, route } from './route.ts'

const KINDS = [
  ...['call', 'outcome', 'refusal', 'change', 'access', 'accesses', 'process'],
  ...['start', 'stop', 'checkpoint', 'recovered'],
] as const

const FILTER = {
  limit: optional(whole('records of one page', 1, 500)),
  cursor: optional(text('the `next` of the page before', { max: 40 })),
  incident: optional(text('only this one', { max: 64 })),
  principal: optional(text('only of this principal', { max: 512 })),
  target: optional(text('only about this tool, prompt or resource', { max: 512 })),
  kind: optional(word('only of this kind', KINDS as readonly (typeof KINDS)[number][])),
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
]

function read({ view, query }: AdminCall<typeof FILTER>, tenant: string) {
  const { limit = 50, cursor, ...filter } = query
  if (cursor !== undefined && !isRecordCursor(cursor)) return refuseField('cursor', 'what a page gave as `next`')
  const folder = join(view.auditFolder, chainFolder(tenant))
  const page = readPage(folder, {
    ...{ filter, limit, maxLines: MAX_LINES },
    ...(cursor !== undefined && { cursor }),
  })
  return { document: { ...page } }
}
