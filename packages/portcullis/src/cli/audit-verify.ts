/** `portcullis audit verify`: checks the chains offline, from their files and public keys alone. */
import type { KeyObject } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readCheckpointPublicKey } from '../audit/checkpoint.ts'
import { chainFolder } from '../audit/ledger.ts'
import { verifyChain } from '../audit/verify.ts'
import type { Verdict } from '../audit/verify.ts'
import { stateLayout } from '../config/state-layout.ts'
import { CommandError, EXIT } from './exit.ts'
import type { ExitStatus } from './exit.ts'
import { openConfig } from './open-config.ts'
import type { ConfigOption } from './open-config.ts'
import type { Terminal } from './terminal.ts'

export interface AuditVerifyOptions extends ConfigOption {
  readonly tenant?: string
  /** Public keys besides that of the state folder, such as earlier ones. */
  readonly key?: readonly string[]
  /** Folder of the chains; with it and `--key`, no configuration is needed. */
  readonly folder?: string
  readonly json?: boolean
}

/** `findings` when a chain is broken. All chains are checked and told in any case. */
export function auditVerify(options: AuditVerifyOptions, terminal: Terminal): ExitStatus {
  const { folder, keys } = placesOf(options, terminal)
  const names = options.tenant === undefined ? chainsIn(folder) : [chainFolder(options.tenant)]
  if (names.length === 0) throw new CommandError(EXIT.unavailable, `There is no audit chain in ${folder} yet.`)
  let status: ExitStatus = EXIT.ok
  for (const name of names) {
    const verdict = verifyChain({ directory: join(folder, name), keys, state: 'growing' })
    if (!verdict.sound) status = EXIT.findings
    terminal.out(options.json === true ? JSON.stringify({ chain: name, ...verdict }) : sentence(name, verdict))
  }
  return status
}

function sentence(name: string, verdict: Verdict): string {
  if (!verdict.sound) {
    const place = [verdict.file, verdict.line].filter((part) => part !== undefined).join(':')
    return `${name}: BROKEN ${place}: ${verdict.problem}`
  }
  const { records, checkpoints, signedSequence, last } = verdict
  const open = last.sequence - signedSequence
  return `${name}: sound, ${records} records, ${checkpoints} checkpoints, ${open} after the last signed one`
}

function placesOf(
  options: AuditVerifyOptions,
  terminal: Terminal,
): { folder: string; keys: ReadonlyMap<string, KeyObject> } {
  const extra = options.key ?? []
  if (options.folder !== undefined && extra.length > 0) return { folder: options.folder, keys: readKeys(extra) }
  const { config } = openConfig(options, terminal)
  const layout = stateLayout(config)
  return { folder: options.folder ?? layout.audit, keys: readKeys([`${layout.auditKey}.pub`, ...extra]) }
}

function readKeys(files: readonly string[]): ReadonlyMap<string, KeyObject> {
  return new Map(files.map((file) => readCheckpointPublicKey(file)))
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
