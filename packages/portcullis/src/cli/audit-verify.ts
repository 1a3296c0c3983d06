/** `portcullis audit verify`: checks the chains offline, from their files and public keys alone. */
import type { KeyObject } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readCheckpointPublicKey } from '../audit/checkpoint.ts'
import { publicAuditKeys } from '../audit/key-file.ts'
import { chainFolder } from '../audit/ledger.ts'
import { verifyChain } from '../audit/verify.ts'
import { verifyBundle } from '../audit/verify-bundle.ts'
import type { Verdict } from '../audit/verify.ts'
import type { Config } from '../config/schema.ts'
import { stateLayout } from '../config/state-layout.ts'
import { CommandError, EXIT } from './exit.ts'
import type { ExitStatus } from './exit.ts'
import { openConfig } from './open-config.ts'
import type { ConfigOption } from './open-config.ts'
import { printable, type Terminal } from './terminal.ts'
import { configuredPlaces, readWitnesses, type WitnessSight } from './witness-places.ts'

export interface AuditVerifyOptions extends ConfigOption {
  readonly tenant?: string
  /** Public keys besides those of the state folder, such as earlier ones. */
  readonly key?: readonly string[]
  /** Public key under which the chains have to end; with the state folder, its own. */
  readonly current?: string
  /** Folder of the chains; with it and `--key`, no configuration is needed. */
  readonly folder?: string
  /** Folder of a bundle, instead of the chains. */
  readonly bundle?: string
  /** Files and repositories of witnesses; `true`: those of the configuration. */
  readonly witness?: readonly string[] | true
  /** Authorities of time stamps, PEM. */
  readonly authorities?: string
  readonly json?: boolean
}

/** `findings` when a chain is broken. All chains are checked and told in any case. */
export async function auditVerify(options: AuditVerifyOptions, terminal: Terminal): Promise<ExitStatus> {
  if (options.bundle !== undefined) return bundleVerify(options.bundle, options, terminal)
  const places = placesOf(options, terminal)
  const { folder, keys, current, config } = places
  const seen = await witnessesOf(options, config)
  const names = options.tenant === undefined ? chainsIn(folder) : [chainFolder(options.tenant)]
  if (names.length === 0 && seen.lines.length === 0)
    throw new CommandError(EXIT.unavailable, `There is no audit chain in ${folder} yet.`)
  let status: ExitStatus = EXIT.ok
  const tell = (name: string, verdict: Verdict) => {
    if (!verdict.sound) status = EXIT.findings
    terminal.out(options.json === true ? JSON.stringify({ chain: name, ...verdict }) : sentence(name, verdict))
  }
  for (const name of names) {
    const witnessed = seen.lines.filter(({ tenant }) => chainFolder(tenant) === name)
    tell(name, verifyChain({ directory: join(folder, name), keys, ...current, witnessed, state: 'growing' }))
  }
  const isWanted = (name: string) => !names.includes(name) && options.tenant === undefined
  const gone = new Set(seen.lines.map(({ tenant }) => chainFolder(tenant)).filter(isWanted))
  for (const name of gone) tell(name, { sound: false, problem: 'a witness saw this chain, and it is not there' })
  if (seen.strange > 0) terminal.err(`${seen.strange} lines of the witnesses are none of ours.`)
  if (seen.stamped > 0) terminal.err(`${seen.stamped} time stamps are good.`)
  return status
}

async function witnessesOf(
  { witness, authorities }: AuditVerifyOptions,
  config: Config | undefined,
): Promise<WitnessSight> {
  if (witness === undefined) return { lines: [], strange: 0, stamped: 0 }
  if (witness !== true)
    return readWitnesses(
      witness.map((path) => ({ path })),
      authorities,
    )
  if (config === undefined) throw new CommandError(EXIT.usage, 'name the witness, or a configuration that does')
  const places = configuredPlaces(config)
  if (places.length === 0)
    throw new CommandError(EXIT.usage, 'the configuration names no witness that can be read here')
  return readWitnesses(places, authorities)
}

/** Needs no configuration where `--key` names the keys. */
function bundleVerify(bundle: string, options: AuditVerifyOptions, terminal: Terminal): ExitStatus {
  const { keys } = placesOf({ ...options, folder: options.folder ?? bundle }, terminal)
  if (!existsSync(join(bundle, 'manifest.json')))
    throw new CommandError(EXIT.unavailable, `${bundle} is no bundle: it has no manifest.json.`)
  const verdict = verifyBundle({ folder: bundle, keys })
  terminal.out(options.json === true ? JSON.stringify({ bundle, ...verdict }) : sentence(bundle, verdict))
  return verdict.sound ? EXIT.ok : EXIT.findings
}

function sentence(name: string, verdict: Verdict): string {
  if (!verdict.sound) {
    const place = [verdict.file, verdict.line].filter((part) => part !== undefined).join(':')
    return `${printable(name)}: BROKEN ${place}: ${verdict.problem}`
  }
  const { records, checkpoints, signedSequence, last, witnessed } = verdict
  const open = last.sequence - signedSequence
  const seen = witnessed === 0 ? '' : `, ${witnessed} positions that witnesses saw`
  return `${name}: sound, ${records} records, ${checkpoints} checkpoints, ${open} after the last signed one${seen}`
}

export interface VerifyPlaces {
  readonly folder: string
  readonly keys: ReadonlyMap<string, KeyObject>
  readonly current: { readonly current?: string }
  /** Absent where folder and keys were named. */
  readonly config?: Config
}

/** Where chains and keys are. Throws CommandError, ConfigError and what the file system throws. */
export function placesOf(options: AuditVerifyOptions, terminal: Terminal): VerifyPlaces {
  const named = [...(options.key ?? []), ...(options.current === undefined ? [] : [options.current])]
  const extra = named.map(readCheckpointPublicKey)
  const current = options.current === undefined ? {} : { current: readCheckpointPublicKey(options.current)[0] }
  if (options.folder !== undefined && named.length > 0) return { folder: options.folder, keys: new Map(extra), current }
  const { config } = openConfig(options, terminal)
  const layout = stateLayout(config)
  const own = publicAuditKeys(layout.auditKey)
  const inForce = own.keys().next().value
  return {
    folder: options.folder ?? layout.audit,
    keys: new Map([...own, ...extra]),
    // What lies in another folder may be an old copy.
    current: options.folder === undefined && inForce !== undefined ? { current: inForce, ...current } : current,
    config,
  }
}

function chainsIn(folder: string): readonly string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true })
    return entries
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .toSorted()
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw thrown
  }
}
