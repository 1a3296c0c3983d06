/** `portcullis lock diff`: what waits in the lock, in words that a reviewer can decide by. */
import { LockFile } from '../gateway/lock-file.ts'
import { changeText } from '../inspection/definitions/difference.ts'
import type { Finding } from '../inspection/finding.ts'
import type { Lock } from '../inspection/definitions/lock.ts'
import { suspicions } from '../inspection/definitions/poisoning.ts'
import { Neighbourhood, type Placed } from '../inspection/definitions/resemblance.ts'
import { changesOf, type LockChange } from '../inspection/definitions/survey.ts'
import { visibleText } from '../inspection/definitions/hidden.ts'
import { CommandError, EXIT } from './exit.ts'
import type { ExitStatus } from './exit.ts'
import { openConfig } from './open-config.ts'
import type { ConfigOption } from './open-config.ts'
import type { Terminal } from './terminal.ts'

export interface LockDiffOptions extends ConfigOption {
  readonly json?: boolean
}

/** `findings` when something waits. Asks nobody: see `portcullis lock`. */
export function lockDiff(upstream: string | undefined, options: LockDiffOptions, terminal: Terminal): ExitStatus {
  const { config } = openConfig(options, terminal)
  const lock = new LockFile(config).readTrusted()
  if (upstream !== undefined && !lock.upstreams.has(upstream))
    throw new CommandError(EXIT.usage, `the lock knows no upstream ${JSON.stringify(upstream)}`)
  const changes = changesOf(lock).filter((change) => upstream === undefined || change.upstream === upstream)
  tellChanges(lock, changes, options, terminal)
  return changes.length === 0 ? EXIT.ok : EXIT.findings
}

/** One JSON value for each change, or its name, its fields and what looks suspicious about it. */
export function tellChanges(
  lock: Lock,
  changes: readonly LockChange[],
  { json }: LockDiffOptions,
  terminal: Terminal,
): void {
  const neighbourhood = new Neighbourhood(everything(lock))
  for (const change of changes) {
    const findings = evidence(lock, neighbourhood, change)
    if (json === true) {
      terminal.out(JSON.stringify({ ...change, findings }))
      continue
    }
    terminal.out(`${change.upstream} ${visibleText(change.item)}: ${SAID[change.kind]}`)
    for (const field of change.fields) terminal.out(`  ${changeText(field)}`)
    for (const [pointer, role] of Object.entries(change.roles ?? {}))
      terminal.out(`  role of ${visibleText(pointer)}: ${role}`)
    for (const { reason, at, evidence: shown } of findings)
      terminal.out(`  look: ${reason} at ${visibleText(at || 'its name')}: ${shown}`)
  }
}

const SAID = { new: 'new', changed: 'changed', gone: 'offered no more' } as const

function evidence(lock: Lock, neighbourhood: Neighbourhood, { upstream, item }: LockChange): readonly Finding[] {
  const waiting = lock.upstreams.get(upstream)?.waiting.get(item)
  if (waiting === undefined || 'gone' in waiting) return []
  return [...suspicions(waiting.item), ...neighbourhood.resemblances(upstream, waiting.item)]
}

function* everything(lock: Lock): Generator<Placed> {
  for (const [upstream, { approved, waiting }] of lock.upstreams) {
    for (const { item } of approved.values()) yield { upstream, item }
    for (const one of waiting.values()) if (!('gone' in one)) yield { upstream, item: one.item }
  }
}
