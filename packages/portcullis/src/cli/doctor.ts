/** `portcullis doctor`: whether this host can hold what the configuration promises. */
import { constants, accessSync, existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Config } from '../config/schema.ts'
import { stateLayout } from '../config/state-layout.ts'
import { weaknesses } from '../config/weaknesses.ts'
import { readOwnCertificate } from '../pki/own-certificate.ts'
import { supportedGroups } from '../pki/tls-options.ts'
import { selectDriver } from '../sandbox/select.ts'
import { explainFailure } from './failure.ts'
import { EXIT } from './exit.ts'
import type { ExitStatus } from './exit.ts'
import { openConfig } from './open-config.ts'
import type { ConfigOption } from './open-config.ts'
import type { Terminal } from './terminal.ts'

export interface DoctorOptions extends ConfigOption {
  readonly json?: boolean
}

interface Examination {
  readonly what: string
  readonly state: 'ok' | 'weak' | 'FAILED'
  readonly told: string
}

/** `findings` when something failed. */
export async function doctor(options: DoctorOptions, terminal: Terminal): Promise<ExitStatus> {
  const { file, config } = openConfig(options, terminal)
  const found: readonly Examination[] = [
    { what: 'node', state: 'ok', told: process.version },
    { what: 'configuration', state: 'ok', told: file },
    ...weaknesses(config).map(({ path, meaning }) => ({ what: path, state: 'weak' as const, told: meaning })),
    await examine('sandbox', () => probeSandbox(config)),
    await examine('key exchange', () => supportedGroups()),
    await examine('certificate', () => probeCertificate(config, terminal)),
    await examine('state folder', () => probeFolder(config)),
    await examine('store', () => probeStore(config)),
  ]
  for (const { what, state, told } of found) {
    terminal.out(options.json === true ? JSON.stringify({ what, state, told }) : `${state.padEnd(6)} ${what}: ${told}`)
  }
  return found.some(({ state }) => state === 'FAILED') ? EXIT.findings : EXIT.ok
}

async function examine(what: string, look: () => Promise<string> | string): Promise<Examination> {
  try {
    return { what, state: 'ok', told: await look() }
  } catch (thrown) {
    return { what, state: 'FAILED', told: explainFailure(thrown).text }
  }
}

/** Starts a harmless program with the flags of a real launch. */
async function probeSandbox(config: Config): Promise<string> {
  const drivers = Object.values(config.upstreams).flatMap(({ stdio }) =>
    stdio === undefined ? [] : [stdio.sandbox.driver],
  )
  if (!drivers.includes('bubblewrap')) return 'no upstream needs it'
  const { probe } = await selectDriver('bubblewrap')
  const { memory, processes } = probe.enforces
  return `bubblewrap ${probe.version}, memory limited by ${memory}, processes by ${processes}`
}

function probeCertificate(config: Config, terminal: Terminal): string {
  const { certificate, key } = config.listen.tls ?? {}
  if (certificate === undefined || key === undefined)
    return config.listen.tls === undefined ? 'not used' : 'local authority'
  const pair = readOwnCertificate(certificate.file, key.file, terminal.clock.now())
  return `valid until ${new Date(pair.expiresAt).toISOString().slice(0, 10)}`
}

function probeFolder(config: Config): string {
  let folder = config.state
  while (!existsSync(folder)) folder = dirname(folder)
  accessSync(folder, constants.W_OK)
  return config.state
}

async function probeStore(config: Config): Promise<string> {
  const { store } = stateLayout(config)
  if (config.store.kind === 'memory') return 'in memory'
  if (!existsSync(store)) return 'not made yet'
  const { openSqliteStores } = await import('../stores/sqlite/open.ts')
  const stores = await openSqliteStores({ path: store })
  try {
    await stores.health()
    return store
  } finally {
    await stores.close()
  }
}
