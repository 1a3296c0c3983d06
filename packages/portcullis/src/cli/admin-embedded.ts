/** Does administrators' work on the store of a gateway that does not run, and records it in its chains as the gateway would. */
import { randomUUID } from 'node:crypto'
import { userInfo } from 'node:os'
import { CHAIN_RULES } from '../audit/chain.ts'
import type { CheckpointSigner } from '../audit/checkpoint.ts'
import { openAuditKey } from '../audit/key-file.ts'
import { ChainLedger, type KeyTaken } from '../audit/ledger.ts'
import { GATEWAY_TENANT, type RecordBody } from '../audit/record.ts'
import type { Config } from '../config/schema.ts'
import { stateLayout } from '../config/state-layout.ts'
import { weaknesses } from '../config/weaknesses.ts'
import { Cancellation } from '../core/cancellation.ts'
import type { Exchange } from '../core/exchange.ts'
import { FAULTS, toFault } from '../core/fault.ts'
import type { Principal } from '../core/principal.ts'
import type { Administration } from '../gateway/administration.ts'
import { adminView } from '../gateway/build-administration.ts'
import { openKeys } from '../gateway/open-keys.ts'
import { openStores } from '../gateway/open-stores.ts'
import { PRODUCT } from '../gateway/product.ts'
import { tenantNames } from '../gateway/tenants.ts'
import { RevocationList } from '../identity/revocation.ts'
import { privateFolder } from '../pki/private-file.ts'
import { BlockList } from '../traffic/block-list.ts'
import { ADMIN_BASE } from '../admin/match.ts'
import type { AdminReply, AdminRequest, AdminSend } from './admin-call.ts'
import { originOf } from './server-url.ts'
import type { Terminal } from './terminal.ts'

/** Who can open the store looks after all tenants. The name can be that of no tenant of a configuration. */
const HOST = '@host'

/** Runs `use` and closes store and chain whatever happens. Throws StoreError, PkiError, ChainInUse, ChainDamaged. */
export async function withEmbedded<T>(
  config: Config,
  terminal: Terminal,
  use: (send: AdminSend) => Promise<T>,
): Promise<T> {
  const { clock } = terminal
  privateFolder(config.state)
  const { environment } = terminal
  const { outboundProver } = await import('../gateway/build-validation.ts')
  const prover = await outboundProver(config, clock, { warn: (message) => terminal.err(message) })
  const stores = await openStores({ config, environment, prover: async () => prover, onProblem: () => {} })
  const chains = new ChainWhenNeeded(config, terminal)
  const revocations = new RevocationList({
    ...{ store: stores.revocations, clock, pollMs: 1_000, staleAfterMs: 10_000 },
    onProblem: () => {},
  })
  const blocks = new BlockList({ store: stores.blocks, clock, pollMs: 1_000, onProblem: () => {} })
  const keys = openKeys({ config, layout: stateLayout(config), stores, clock, environment, prover })
  try {
    await revocations.refresh()
    await blocks.refresh()
    const here = { ...config, administration: { tenant: HOST } }
    const publicUrl = originOf(config)
    const { routed } = await import('../admin/router.ts')
    const { ADMIN_ROUTES } = await import('../admin/routes.ts')
    const view = adminView({ config: here, clock, stores, chains, keys, revocations, blocks, publicUrl })
    return await use((request) => answer(routed(ADMIN_ROUTES, view), request, terminal))
  } finally {
    await keys.close()
    await chains.close()
    revocations.close()
    blocks.close()
    await stores.close()
  }
}

/** Opened with the first record, so that a command which only looks takes no lock and writes nothing. */
class ChainWhenNeeded {
  readonly #config: Config
  readonly #terminal: Terminal
  #opened: Promise<ChainLedger> | undefined

  constructor(config: Config, terminal: Terminal) {
    this.#config = config
    this.#terminal = terminal
  }

  async append(tenant: string, body: RecordBody): Promise<void> {
    this.#opened ??= this.#open(tenant)
    return (await this.#opened).append(tenant, body)
  }

  async rotate(signer: CheckpointSigner): Promise<KeyTaken> {
    this.#opened ??= this.#open(GATEWAY_TENANT)
    return (await this.#opened).rotate(signer)
  }

  async close(): Promise<void> {
    await (await this.#opened?.catch(() => undefined))?.close()
  }

  #open(tenant: string): Promise<ChainLedger> {
    return openChains(this.#config, this.#terminal, [tenant])
  }
}

/** The chains of a gateway that does not run. Rejects with ChainInUse, ChainDamaged, AuditKeyError. */
export function openChains(config: Config, { clock }: Terminal, tenants: readonly string[]): Promise<ChainLedger> {
  const layout = stateLayout(config)
  // A gateway opens the chains of its tenants at its start, so it and this command keep each other out.
  const known = tenantNames(config).slice(0, 1)
  return ChainLedger.open({
    directory: layout.audit,
    signer: openAuditKey(layout.auditKey, layout.audit),
    clock,
    rules: CHAIN_RULES,
    program: `${PRODUCT.name} ${PRODUCT.version}, command line`,
    weaknesses: weaknesses(config).map(({ path, word }) => `${path}: ${word}`),
    tenants: [...new Set([...known, ...tenants])],
  })
}

async function answer(administration: Administration, request: AdminRequest, terminal: Terminal): Promise<AdminReply> {
  const incident = randomUUID()
  try {
    const exchange = { ...exchangeOf(request, incident, terminal), principal: operator() }
    const { status, document = {} } = await administration.serve(exchange)
    return { status, document: document as AdminReply['document'] }
  } catch (thrown) {
    const fault = toFault(thrown)
    if (fault.code === 'internal') throw thrown
    if (fault.code === 'audit.unavailable') throw fault.cause instanceof Error ? fault.cause : fault
    const error = { message: fault.says, data: { code: fault.code, incident } }
    return { status: FAULTS[fault.code].status, document: { error } }
  }
}

/** The very request that a gateway would get. */
function exchangeOf(request: AdminRequest, incident: string, { clock }: Terminal): Exchange {
  const { method, path, query = {}, body, ifMatch } = request
  const search = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined)
  const bytes = Buffer.from(body === undefined ? '' : JSON.stringify(body))
  return {
    incident,
    receivedAt: clock.now(),
    peer: { address: '127.0.0.1', encrypted: true },
    head: {
      ...{ method, path: ADMIN_BASE + path, query: String(new URLSearchParams(search)) },
      headers: {
        ...(method !== 'GET' && method !== 'DELETE' && { 'content-type': 'application/json' }),
        ...(ifMatch !== undefined && { 'if-match': `"${ifMatch}"` }),
      },
    },
    body: { read: () => bytes },
    outlet: { send() {}, open() {} },
    departure: new Cancellation(),
  }
}

function operator(): Principal {
  const id = `cli:${accountName()}`
  return { id, tenant: HOST, roles: ['administrator'], credential: { kind: 'api-key', id } }
}

/** A user without an entry has no name. */
function accountName(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? 'unknown')
  }
}
