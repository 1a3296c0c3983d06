/** `portcullis lock`: asks the upstreams, and writes what differs from what is approved beside it. */
import { stderrLogger } from '../audit/log.ts'
import type { Config } from '../config/schema.ts'
import { stateLayout } from '../config/state-layout.ts'
import { LockFile } from '../gateway/lock-file.ts'
import type { SurveyAnswer } from '../gateway/survey-upstreams.ts'
import { readTold } from '../gateway/told-note.ts'
import type { Lock } from '../inspection/definitions/lock.ts'
import { approve, changesOf, surveyed, withoutGone } from '../inspection/definitions/survey.ts'
import { privateFolder } from '../pki/private-file.ts'
import { CommandError, EXIT } from './exit.ts'
import type { ExitStatus } from './exit.ts'
import { tellChanges } from './lock-diff.ts'
import { openConfig } from './open-config.ts'
import type { ConfigOption } from './open-config.ts'
import { printable, type Terminal } from './terminal.ts'

export interface LockOptions extends ConfigOption {
  readonly upstream?: readonly string[]
  readonly frozen?: boolean
  readonly told?: boolean
  readonly approve?: boolean
  readonly by: string
  readonly json?: boolean
}

/**
 * `findings` when something waits, so that a script notices; `unavailable` when an upstream told nothing. With `--frozen`
 * nothing is written, and a lock that is not to be believed is thrown as LockError.
 */
export async function updateLock(options: LockOptions, terminal: Terminal): Promise<ExitStatus> {
  if (options.frozen === true && options.approve === true)
    throw new CommandError(EXIT.usage, '--frozen changes nothing, so it cannot approve')
  const { file: configFile, config } = openConfig(options, terminal)
  privateFolder(config.state)
  const file = new LockFile(config)
  const before = file.readTrusted()
  const names = upstreamsToAsk(config, before, options.upstream)
  const answers = options.told === true ? lastTold(config, names) : await survey(config, configFile, names, terminal)
  let after = before
  for (const [name, answer] of answers) if ('told' in answer) after = surveyed(after, name, answer.told)
  if (options.told === true) after = withoutGone(after)
  const told = [...answers].flatMap(([name, answer]) => ('told' in answer ? [name] : []))
  const found = write(file, after, told, options, terminal)
  for (const [name, answer] of answers)
    if ('failure' in answer) terminal.err(`${name} did not tell what it offers: ${printable(answer.failure)}`)
  if ([...answers.values()].some((answer) => 'failure' in answer)) return EXIT.unavailable
  return found
}

/** Approves nothing of an upstream that was not asked, or did not answer. */
function write(
  file: LockFile,
  after: Lock,
  told: readonly string[],
  options: LockOptions,
  terminal: Terminal,
): ExitStatus {
  const changes = changesOf(after)
  tellChanges(after, changes, options, terminal)
  if (options.frozen === true) return changes.length === 0 ? EXIT.ok : EXIT.findings
  if (options.approve === true) {
    const at = terminal.clock.now()
    const stamp = { by: options.by, at: new Date(at).toISOString() }
    const whole = told.reduce((all, name) => approve(all, name, undefined, stamp), after)
    const waiting = changesOf(whole).length
    if (waiting < changes.length) file.sign(whole, options.by, at)
    terminal.err(`${changes.length - waiting} approved by ${options.by} in ${file.path}`)
    return waiting === 0 ? EXIT.ok : EXIT.findings
  }
  file.write(after)
  if (changes.length === 0) terminal.err(`Nothing waits in ${file.path}`)
  else terminal.err(`${changes.length} waiting in ${file.path}; read them, then: portcullis lock approve UPSTREAM`)
  return changes.length === 0 ? EXIT.ok : EXIT.findings
}

/** Approves what all upstreams say now, unread: for a set-up that brought them along itself. Returns how many items. Throws as `lock` does. */
export async function approveUnread(
  configFile: string,
  config: Config,
  by: string,
  terminal: Terminal,
): Promise<number> {
  const file = new LockFile(config)
  const before = file.readTrusted()
  const at = terminal.clock.now()
  let after = before
  for (const [name, answer] of await survey(config, configFile, upstreamsToAsk(config, before, undefined), terminal)) {
    if ('failure' in answer) throw new CommandError(EXIT.unavailable, `${name}: ${printable(answer.failure)}`)
    after = approve(surveyed(after, name, answer.told), name, undefined, { by, at: new Date(at).toISOString() })
  }
  file.sign(after, by, at)
  return [...after.upstreams.values()].reduce((sum, upstream) => sum + upstream.approved.size, 0)
}

/** What is trusted waits for nobody, so it is asked only where the lock knows it or it is named. */
function upstreamsToAsk(config: Config, lock: Lock, named: readonly string[] | undefined): readonly string[] {
  const all = Object.entries(config.upstreams).filter(([, { code }]) => code === undefined)
  const stranger = named?.find((name) => !all.some(([one]) => one === name))
  if (stranger !== undefined)
    throw new CommandError(EXIT.usage, `there is no upstream ${JSON.stringify(stranger)} that could be asked`)
  if (named !== undefined) return named
  return all.filter(([name, { trust }]) => trust !== 'trusted' || lock.upstreams.has(name)).map(([name]) => name)
}

async function survey(
  config: Config,
  configFile: string,
  names: readonly string[],
  { environment, clock }: Terminal,
): Promise<ReadonlyMap<string, SurveyAnswer>> {
  if (names.length === 0) return new Map()
  const { surveyUpstreams } = await import('../gateway/survey-upstreams.ts')
  return surveyUpstreams({ config, configFile, environment, clock, log: stderrLogger('error') }, names)
}

function lastTold(config: Config, names: readonly string[]): ReadonlyMap<string, SurveyAnswer> {
  const told = readTold(stateLayout(config).told)
  return new Map(
    names.map((name) => {
      const known = told.get(name)
      return [name, known === undefined ? { failure: 'no gateway was told anything yet' } : { told: known }]
    }),
  )
}
