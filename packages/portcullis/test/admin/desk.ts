/** The administration over a store in memory, with one upstream whose processes take as long to end as a test says. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { ADMIN_ROUTES } from '../../src/admin/routes.ts'
import { routed } from '../../src/admin/router.ts'
import type { RecordBody } from '../../src/audit/record.ts'
import { parseConfig } from '../../src/config/load.ts'
import { Cancellation } from '../../src/core/cancellation.ts'
import type { LiveView } from '../../src/gateway/administration.ts'
import { adminView } from '../../src/gateway/build-administration.ts'
import { BlockList } from '../../src/traffic/block-list.ts'
import { RevocationList } from '../../src/identity/revocation.ts'
import { openMemoryStores } from '../../src/stores/memory/open.ts'
import { testKeys } from '../fixtures/keys.ts'

const CONFIG = `version: 1
state: state
policy: { files: [access.cedar] }
identity: { server: {} }
upstreams: { mail: { http: { url: 'https://mail.example', vault: { of: principal } } } }
`

export function adminDesk(t: TestContext, end: () => Promise<number> = async () => 1) {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-desk-'))
  t.after(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'state'), { mode: 0o700 })
  writeFileSync(join(folder, 'access.cedar'), 'permit (principal in Role::"admin", action, resource);')
  const clock = { now: () => 1_800_000_000_000 }
  const stores = openMemoryStores()
  const revocations = new RevocationList({
    ...{ store: stores.revocations, clock, pollMs: 1_000, staleAfterMs: 10_000, onProblem: () => {} },
  })
  const blocks = new BlockList({ store: stores.blocks, clock, pollMs: 1_000, onProblem: () => {} })
  const config = parseConfig(CONFIG, join(folder, 'portcullis.yaml'), {})
  const told: string[] = []
  const chains = {
    append: async (_tenant: string, body: RecordBody) => void told.push('what' in body ? body.what : body.kind),
    rotate: async () => ({ key: 'k', chains: 1, waiting: [] }),
  }
  const upstream = { name: 'mail', catalogue: { list: () => [] }, restart: end }
  const live = { upstreams: new Map([['mail', upstream]]) } as unknown as LiveView
  const keys = testKeys(stores, join(folder, 'state'), clock)
  const view = adminView(
    { config, clock, stores, chains, keys, revocations, blocks, publicUrl: 'https://127.0.0.1:8443' },
    live,
  )
  const administration = routed(ADMIN_ROUTES, view)
  const ask = (method: string, path: string, body: object = {}) =>
    administration.serve({
      ...{ incident: 'i', receivedAt: 1, peer: { address: '127.0.0.1', encrypted: true } },
      head: {
        ...{ method, path: `/admin/v1${path.split('?')[0]}`, query: path.split('?')[1] ?? '' },
        headers: { 'content-type': 'application/json' },
      },
      body: { read: () => Buffer.from(JSON.stringify(body)) },
      outlet: { send() {}, open() {} },
      departure: new Cancellation(),
      principal: {
        ...{ id: 'key:me', tenant: 'default', roles: ['admin'] },
        credential: { kind: 'api-key', id: 'me' },
      },
    })
  return { ask, stores, revocations, view, told, now: clock.now() }
}
