/** `portcullis doctor`: whether this host can hold what the configuration promises. */
import { constants, accessSync, existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Config } from '../config/schema.ts'
import { stateLayout } from '../config/state-layout.ts'
import { weaknesses } from '../config/weaknesses.ts'
import { readOwnCertificate } from '../pki/own-certificate.ts'
import { supportedGroups } from '../pki/tls-options.ts'
import { attackDriver, type DriverToExamine, driversOf, proveDriver } from './examine-walls.ts'
import { explainFailure } from './failure.ts'
import { EXIT } from './exit.ts'
import type { ExitStatus } from './exit.ts'
import { configIsNamedOrThere, openConfig } from './open-config.ts'
import type { ConfigOption } from './open-config.ts'
import { proverOf } from './prover-of.ts'
import type { Terminal } from './terminal.ts'
import { countWall, tellOther } from './walls.ts'

export interface DoctorOptions extends ConfigOption {
  readonly json?: boolean
}

interface Examination {
  readonly what: string
  readonly state: 'ok' | 'weak' | 'FAILED'
  readonly told: string
  /** What there is to say of parts of it. */
  readonly more?: readonly string[]
}

const COLOURS = { ok: 32, weak: 33, FAILED: 31 } as const

/**
 * `findings` when something failed. Without a configuration, named or in a usual place, only the host is examined.
 * Throws CommandError or ConfigError for one that is named and cannot be used.
 */
export async function doctor(options: DoctorOptions, terminal: Terminal): Promise<ExitStatus> {
  const opened = configIsNamedOrThere(options, terminal) ? openConfig(options, terminal) : undefined
  let status: ExitStatus = EXIT.ok
  const tell = (found: Examination) => {
    if (found.state === 'FAILED') status = EXIT.findings
    for (const line of options.json === true ? [JSON.stringify(found)] : linesOf(found, terminal)) terminal.out(line)
  }
  tell({ what: 'node', state: 'ok', told: process.version })
  if (opened === undefined)
    tell({ what: 'configuration', state: 'ok', told: 'none here; this is about the host alone' })
  else for (const found of await examineConfiguration(opened, terminal)) tell(found)
  tell(await examine('key exchange', () => supportedGroups()))
  const drivers = driversOf(opened)
  if (drivers.length === 0) tell({ what: 'sandbox', state: 'ok', told: 'no upstream needs it' })
  for (const driver of drivers) for await (const found of examineDriver(driver)) tell(found)
  return status
}

async function examineConfiguration(
  { file, config }: { readonly file: string; readonly config: Config },
  terminal: Terminal,
): Promise<readonly Examination[]> {
  return [
    { what: 'configuration', state: 'ok', told: file },
    ...weaknesses(config).map(({ path, meaning }) => ({ what: path, state: 'weak' as const, told: meaning })),
    await examine('certificate', () => probeCertificate(config, terminal)),
    await examine('state folder', () => probeFolder(config)),
    await examine('store', () => probeStore(config, terminal)),
  ]
}

function linesOf({ what, state, told, more = [] }: Examination, { colour }: Terminal): readonly string[] {
  const word = state.padEnd(6)
  const shown = colour === true ? `\u001b[${COLOURS[state]}m${word}\u001b[0m` : word
  return [`${shown} ${what}: ${told}`, ...more.map((line) => `         ${line}`)]
}

async function examine(what: string, look: () => Promise<string> | string): Promise<Examination> {
  try {
    return { what, state: 'ok', told: await look() }
  } catch (thrown) {
    return { what, state: 'FAILED', told: explainFailure(thrown).text }
  }
}

/** First whether it starts, then whether it holds. */
async function* examineDriver(toExamine: DriverToExamine): AsyncGenerator<Examination> {
  const { name, upstreams } = toExamine
  const what = upstreams.length === 0 ? 'sandbox' : `sandbox of ${upstreams.map((each) => each.name).join(', ')}`
  try {
    const selected = await proveDriver(toExamine)
    const { version, enforces } = selected.probe
    const limits = (['memory', 'processes', 'cpu', 'disk'] as const).map((limit) => `${limit} ${enforces[limit]}`)
    const network = enforces.network.join(' and ') || 'none'
    yield { what, state: 'ok', told: `${name} ${version}; limits: ${limits.join(', ')}; network: ${network}` }
    for (const report of await attackDriver(selected)) {
      const { wall, state, others } = report
      yield { what: `${name}, ${wall}`, state, told: countWall(report), more: others.map(tellOther) }
    }
  } catch (thrown) {
    yield { what, state: 'FAILED', told: `${name}: ${explainFailure(thrown).text}` }
  }
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

async function probeStore(config: Config, terminal: Terminal): Promise<string> {
  const { store } = stateLayout(config)
  if (config.store.kind === 'memory') return 'in memory'
  if (config.store.kind === 'sqlite' && !existsSync(store)) return 'not made yet'
  const { openStores } = await import('../gateway/open-stores.ts')
  const { environment } = terminal
  const stores = await openStores({ config, environment, prover: proverOf(config, terminal), onProblem: () => {} })
  try {
    await stores.health()
    return config.store.url ?? store
  } finally {
    await stores.close()
  }
}
