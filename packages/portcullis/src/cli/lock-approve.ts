/** `portcullis lock approve` and `lock sign`: what was read in the lock counts from now on. */
import type { Config } from '../config/schema.ts'
import { LockFile } from '../gateway/lock-file.ts'
import { visibleText } from '../inspection/definitions/hidden.ts'
import type { ItemKey } from '../inspection/definitions/kind.ts'
import { approve, changesOf, type LockChange, withoutUpstream } from '../inspection/definitions/survey.ts'
import { privateFolder } from '../pki/private-file.ts'
import { CommandError, EXIT } from './exit.ts'
import { tellChanges } from './lock-diff.ts'
import { openConfig } from './open-config.ts'
import type { ConfigOption } from './open-config.ts'
import type { Terminal } from './terminal.ts'

export interface LockApproveOptions extends ConfigOption {
  readonly by: string
  readonly json?: boolean
}

/**
 * What was approved before has to be signed by somebody who is trusted, or it would be vouched for unread. An upstream that
 * is configured no more leaves the lock. Throws LockError, CommandError.
 */
export function lockApprove(
  upstream: string,
  items: readonly string[],
  options: LockApproveOptions,
  terminal: Terminal,
): void {
  const { config } = openConfig(options, terminal)
  privateFolder(config.state)
  const file = new LockFile(config)
  const lock = file.readTrusted()
  if (!lock.upstreams.has(upstream)) throw new CommandError(EXIT.usage, nothingKnown(config, upstream))
  const at = terminal.clock.now()
  if (!Object.hasOwn(config.upstreams, upstream)) {
    file.sign(withoutUpstream(lock, upstream), options.by, at)
    terminal.err(`${upstream} is configured no more and left the lock`)
    return
  }
  const changes = changesOf(lock).filter((change) => change.upstream === upstream)
  const chosen = items.length === 0 ? changes : changes.filter(({ item }) => items.some((one) => names(one, item)))
  mustBeThere(items, chosen)
  tellChanges(lock, chosen, options, terminal)
  const keys = chosen.map(({ item }) => item)
  file.sign(approve(lock, upstream, keys, { by: options.by, at: new Date(at).toISOString() }), options.by, at)
  terminal.err(`${chosen.length} of ${upstream} approved by ${options.by}`)
}

export function lockSign(options: LockApproveOptions, terminal: Terminal): void {
  const { config } = openConfig(options, terminal)
  privateFolder(config.state)
  const file = new LockFile(config)
  const lock = file.read()
  // A merge may leave signatures of either side; those that still fit stay.
  const others = lock.signatures.filter((one) => fits(file, { ...lock, signatures: [one] }))
  const signed = file.sign({ ...lock, signatures: others }, options.by, terminal.clock.now())
  terminal.err(`${file.path} is signed by ${signed.signatures.map(({ by }) => visibleText(by)).join(', ')}`)
}

function fits(file: LockFile, lock: Parameters<LockFile['verify']>[0]): boolean {
  try {
    return file.verify(lock).length > 0
  } catch {
    return false
  }
}

/** A bare name is that of a tool. */
const names = (written: string, item: ItemKey): boolean => written === item || `tool/${written}` === item

function mustBeThere(items: readonly string[], chosen: readonly LockChange[]): void {
  const missing = items.find((one) => !chosen.some(({ item }) => names(one, item)))
  if (missing !== undefined) throw new CommandError(EXIT.usage, `nothing waits under ${JSON.stringify(missing)}`)
}

const nothingKnown = (config: Config, upstream: string): string =>
  Object.hasOwn(config.upstreams, upstream)
    ? `the lock knows nothing of ${upstream} yet; run: portcullis lock`
    : `there is no upstream ${JSON.stringify(upstream)}`
