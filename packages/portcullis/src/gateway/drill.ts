/** Decides whether a backup is worth anything: a gateway is put back from it in a scratch place, started, and asked. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { createLogger } from '../audit/log.ts'
import { publicAuditKeys } from '../audit/key-file.ts'
import { chainsBelow } from '../audit/last-key.ts'
import { verifyChain } from '../audit/verify.ts'
import type { Environment } from '../config/environment.ts'
import type { Config } from '../config/schema.ts'
import { stateLayout } from '../config/state-layout.ts'
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import type { Contents } from '../data-protection/backup/contents.ts'
import { ApiKeyLifecycle } from '../identity/api-key-lifecycle.ts'
import { outboundProver } from './build-validation.ts'
import type { UnpackParts } from './check-backup.ts'
import { drillConfig } from './drill-config.ts'
import { drillDatabase, type TriedDatabase } from './drill-database.ts'
import type { DrillCheck } from './drill-report.ts'
import { startGateway } from './gateway.ts'
import { openKeys } from './open-keys.ts'
import { openStores, type StoresParts } from './open-stores.ts'
import type { PutBack } from './postgres-copy.ts'
import { restoreBackup } from './restore-backup.ts'
import type { RestoreTarget } from './restore-target.ts'

export interface DrillParts extends UnpackParts {
  readonly contents: Contents
  /** An empty folder; what is made in it is removed by whoever made it. */
  readonly scratch: string
  readonly clock: Clock
  readonly environment: Environment
  readonly withUpstreams: boolean
  /** The gateway as it is now, whose tenant keys no backup holds. Absent: what is sealed is not tried. */
  readonly live: Config | undefined
  /** Further checks on the configuration that was put back, with what came of them; throws when it is not as expected. */
  readonly policyTests: ((config: Config) => Promise<string>) | undefined
}

const MAX_SAMPLES = 20

/** In their order; what builds on a check that failed is not tried. Never rejects for what the backup holds. */
export async function drill(parts: DrillParts): Promise<readonly DrillCheck[]> {
  const { scratch, contents, clock } = parts
  const target: RestoreTarget = {
    ...{ state: join(scratch, 'state'), audit: join(scratch, 'state', 'audit'), home: join(scratch, 'home') },
    elsewhere: join(scratch, 'elsewhere'),
  }
  const checks = new Checks(clock)
  let database: TriedDatabase | undefined
  const wanted = contents.database !== undefined
  if (wanted)
    await checks.run('PostgreSQL', async () => {
      database = await drillDatabase(contents, scratch, parts.live)
      return 'a server of its own was started for the copy'
    })
  if (wanted && database === undefined) return checks.done
  try {
    return await tryOut({ ...parts, database }, target, checks)
  } finally {
    await database?.close()
  }
}

interface TriedParts extends DrillParts {
  readonly database: TriedDatabase | undefined
}

async function tryOut(parts: TriedParts, target: RestoreTarget, checks: Checks): Promise<readonly DrillCheck[]> {
  const { contents, database } = parts
  const restored = await checks.run('restore', async () => {
    const how = {
      replace: false,
      lostAuditKey: true,
      by: 'drill',
      putBack: database && ((put: PutBack) => database.putBack(put)),
    }
    const found = await restoreBackup({ ...parts, target, ...how })
    return found === 'finished'
      ? 'finished'
      : `${found.records} records in ${contents.chains.length} chains verify${holdsStore(contents) ? ', the store is whole' : ''}`
  })
  if (!restored) return checks.done
  let config: Config | undefined
  await checks.run('configuration', async () => {
    config = drillConfig(contents, target, parts.withUpstreams, database?.store)
    return `${Object.keys(config.upstreams).length} upstreams, ${config.policy.files.length} patterns of policies`
  })
  if (config === undefined) return checks.done
  const { policyTests } = parts
  const known = config
  if (policyTests !== undefined) await checks.run('policy tests', () => policyTests(known))
  await serveOnce(parts, known, checks)
  await checks.run('chains go on', async () => chainsVerify(known, parts))
  await checkSealed(parts, known, checks)
  return checks.done
}

async function serveOnce({ clock, environment, contents }: DrillParts, config: Config, checks: Checks): Promise<void> {
  const said: string[] = []
  const log = createLogger({ level: 'error', format: 'json', sink: { write: (line) => void said.push(line) } })
  let gateway: Awaited<ReturnType<typeof startGateway>> | undefined
  const key = holdsStore(contents) ? await keyFor(config, clock, environment) : undefined
  await checks.run('start', async () => {
    gateway = await startGateway({ config, configFile: join(config.state, 'drill'), log, clock, environment })
    return 'it listens on loopback'
  })
  if (gateway === undefined) return
  const { url } = gateway
  try {
    await checks.run('strangers are refused', async () => expectStatus(await initialize(url, undefined), 401))
    if (key === undefined) checks.skip('a key lets its holder in', 'the backup holds no store')
    else await checks.run('a key lets its holder in', async () => expectStatus(await initialize(url, key), 200))
  } finally {
    await gateway.close()
  }
}

const holdsStore = ({ hasStore, database }: Contents): boolean => hasStore || database !== undefined

const proverFor = (config: Config, clock: Clock) => () => outboundProver(config, clock, { warn: () => undefined })

/** Made in the scratch store and gone with it. */
async function keyFor(config: Config, clock: Clock, environment: Environment): Promise<string | undefined> {
  const stores = await openStores({ config, environment, prover: proverFor(config, clock), onProblem: () => {} })
  try {
    const revocations = { revoke: async () => {} }
    const keys = new ApiKeyLifecycle({ store: stores.apiKeys, revocations, clock, random: randomBytes })
    const [tenant = 'default'] = Object.keys(config.tenants ?? {})
    const [role = 'admin'] = [...(config.tenants?.[tenant]?.policy.roles ?? []), ...config.policy.roles]
    const { key } = await keys.issue({ tenant, name: 'drill', roles: [role], expiresAt: clock.now() + 600_000 })
    return key.reveal()
  } finally {
    await stores.close()
  }
}

async function initialize(url: string, key: string | undefined): Promise<number> {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'drill', version: '1' } }
  const response = await fetch(`${url}/mcp`, {
    method: 'POST',
    headers: {
      ...{ 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
    signal: AbortSignal.timeout(30_000),
  })
  await response.body?.cancel()
  return response.status
}

function expectStatus(found: number, wanted: number): string {
  if (found !== wanted) throw new Error(`the answer was ${found}, and should have been ${wanted}`)
  return `the answer was ${found}`
}

function chainsVerify(config: Config, { keys, contents }: DrillParts): string {
  const { audit, auditKey } = stateLayout(config)
  const own = publicAuditKeys(auditKey)
  const current = own.keys().next().value
  let records = 0
  for (const { directory, tenant } of chainsBelow(audit)) {
    const end = contents.chains.find((chain) => chain.tenant === tenant)
    const known = end && { sequence: end.sequence, hash: end.hash }
    const verdict = verifyChain({
      directory,
      keys: new Map([...keys, ...own]),
      ...(current && { current }),
      ...(known && { known }),
    })
    if (!verdict.sound) throw new Error(`the chain of ${tenant} is broken: ${verdict.problem}`)
    records += verdict.records
  }
  return `${records} records verify, from those in the backup to those of the drill`
}

/** With the tenant keys where they are: they are never copied, not even into a scratch place. */
async function checkSealed(
  { live, contents, clock, environment }: DrillParts,
  tried: Config,
  checks: Checks,
): Promise<void> {
  const name = 'sealed secrets open'
  const skip = () => checks.skip(name, 'the keys of tenants are not here; no backup holds them')
  if (live === undefined || !holdsStore(contents)) return skip()
  const store = await withTenantKeys(live, tried, { environment, prover: proverFor(live, clock) })
  if (store === undefined) return skip()
  const { stores, close } = store
  await checks.run(name, async () => {
    // Without their copy, which would be settled.
    const config = { dataProtection: { ...live.dataProtection, tenantKeys: {} } }
    const prover = await proverFor(live, clock)()
    const keys = openKeys({ config, layout: stateLayout(live), stores, clock, environment, prover })
    try {
      const tenants = await stores.dataKeys.tenants()
      let [opened, shredded] = [0, 0]
      for (const tenant of tenants) {
        if ((await keys.keyring.existing(tenant)) === undefined) {
          shredded++
          continue
        }
        for (const entry of (await keys.vault.list(tenant)).slice(0, MAX_SAMPLES)) {
          await keys.vault.get(entry)
          opened++
        }
      }
      return `${opened} samples of ${tenants.length} tenants${shredded > 0 ? `; ${shredded} tenants were shredded, or have no key here` : ''}`
    } finally {
      await keys.close()
    }
  })
  await close()
}

/** The store that was put back, with the keys of tenants as they are where the gateway is; undefined where these cannot be had. */
async function withTenantKeys(live: Config, tried: Config, way: Pick<StoresParts, 'environment' | 'prover'>) {
  const parts = { ...way, onProblem: () => {} }
  if (tried.store.kind === 'sqlite') {
    const { openSqliteStores } = await import('../stores/sqlite/open.ts')
    const tenantKeysPath = stateLayout(live).tenantKeys
    const stores = await openSqliteStores({ path: stateLayout(tried).store, tenantKeysPath })
    return { stores, close: () => stores.close() }
  }
  const source = await openStores({ ...parts, config: live }).catch(() => undefined)
  if (source === undefined) return undefined
  const stores = await openStores({ ...parts, config: tried })
  const close = async () => void (await Promise.all([stores.close(), source.close()]))
  return { stores: { ...stores, tenantKeys: source.tenantKeys }, close }
}

class Checks {
  readonly #clock: Clock
  readonly done: DrillCheck[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async run(name: string, check: () => Promise<string>): Promise<boolean> {
    const began = this.#clock.now()
    const end = (result: DrillCheck['result'], says: string) =>
      this.done.push({ name, result, says, durationMs: this.#clock.now() - began })
    try {
      end('passed', await check())
      return true
    } catch (thrown) {
      end('failed', reasonOf(thrown))
      return false
    }
  }

  skip(name: string, says: string): void {
    this.done.push({ name, result: 'skipped', says, durationMs: 0 })
  }
}

function reasonOf(thrown: unknown): string {
  if (thrown instanceof Fault)
    return [thrown.says, thrown.detail['reason']].filter((part) => typeof part === 'string').join(' ')
  return thrown instanceof Error ? thrown.message : String(thrown)
}
