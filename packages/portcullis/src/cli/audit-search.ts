/** `portcullis audit search`: the records of a tenant that fit, as they are found. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { chainFolder } from '../audit/ledger.ts'
import type { AuditRecord, OutcomeBody } from '../audit/record.ts'
import { type RecordQuery, searchRecords } from '../audit/search.ts'
import { OUTCOMES, RECORD_KINDS } from '../audit/tail.ts'
import { stateLayout } from '../config/state-layout.ts'
import { formatRecord } from './audit-tail.ts'
import { parseInstant } from './durations.ts'
import { CommandError, EXIT, type ExitStatus } from './exit.ts'
import { type ConfigOption, openConfig } from './open-config.ts'
import type { Terminal } from './terminal.ts'

export interface AuditSearchOptions extends ConfigOption {
  readonly tenant: string
  readonly from?: string
  readonly to?: string
  readonly principal?: string
  readonly upstream?: string
  readonly target?: string
  readonly incident?: string
  readonly code?: string
  readonly kind?: AuditRecord['kind']
  readonly outcome?: OutcomeBody['outcome']
  readonly max?: string
  readonly json?: boolean
}

/** `findings` when no record fits. Reads the files of the chain, whether a gateway runs or not. */
export async function auditSearch(options: AuditSearchOptions, terminal: Terminal): Promise<ExitStatus> {
  const { config } = openConfig(options, terminal)
  const directory = join(stateLayout(config).audit, chainFolder(options.tenant))
  if (!existsSync(directory))
    throw new CommandError(EXIT.unavailable, `There is no audit chain of tenant ${options.tenant} yet.`)
  const most = mostOf(options.max)
  let found = 0
  for await (const record of searchRecords(directory, queryOf(options, terminal), terminal.interrupted)) {
    terminal.out(options.json === true ? JSON.stringify(record) : formatRecord(record))
    if (++found === most) break
  }
  if (found === 0) terminal.err('No record fits.')
  return found === 0 ? EXIT.findings : EXIT.ok
}

function queryOf(options: AuditSearchOptions, { clock }: Terminal): RecordQuery {
  const { from, to, principal, upstream, target, incident, code, kind, outcome } = options
  mustBeOneOf('--kind', kind, RECORD_KINDS)
  mustBeOneOf('--outcome', outcome, OUTCOMES)
  const words = { principal, upstream, target, incident, code, kind, outcome }
  const given = Object.entries(words).filter(([, value]) => value !== undefined)
  return {
    ...(Object.fromEntries(given) as RecordQuery),
    ...(from !== undefined && { from: parseInstant(from, clock.now()) }),
    ...(to !== undefined && { to: parseInstant(to, clock.now()) }),
  }
}

/** A word that no record has would find nothing, which reads like an answer. */
function mustBeOneOf(option: string, given: string | undefined, known: readonly string[]): void {
  if (given === undefined || known.includes(given)) return
  throw new CommandError(EXIT.usage, `${option} is one of ${known.join(', ')}`)
}

function mostOf(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new CommandError(EXIT.usage, '--max is a number from 1')
}
