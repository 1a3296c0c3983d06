/** `portcullis audit tail`: the last records of a chain, and with `--follow` the new ones. */
import { join } from 'node:path'
import { stateLayout } from '../config/state-layout.ts'
import { chainFolder } from '../audit/ledger.ts'
import type { AuditRecord, Doer, Findings, ProcessBody, RecordedAccess } from '../audit/record.ts'
import { follow, readLast } from '../audit/tail.ts'
import type { TailFilter } from '../audit/tail.ts'
import { CommandError, EXIT } from './exit.ts'
import { openConfig } from './open-config.ts'
import type { ConfigOption } from './open-config.ts'
import { printable } from './terminal.ts'
import type { Terminal } from './terminal.ts'

const POLL_MS = 250
const MAX_LINES = 100_000

export interface AuditTailOptions extends ConfigOption {
  readonly tenant: string
  readonly lines: string
  readonly incident?: string
  readonly principal?: string
  readonly target?: string
  readonly follow?: boolean
  readonly json?: boolean
}

export async function auditTail(options: AuditTailOptions, terminal: Terminal): Promise<void> {
  const { config } = openConfig(options, terminal)
  const directory = join(stateLayout(config).audit, chainFolder(options.tenant))
  const filter = filterOf(options)
  const show = (record: AuditRecord) =>
    terminal.out(options.json === true ? JSON.stringify(record) : formatRecord(record))
  for (const record of read(directory, linesOf(options.lines), filter, options.tenant)) show(record)
  if (options.follow !== true) return
  for await (const record of follow(directory, { filter, pollMs: POLL_MS, signal: terminal.interrupted })) show(record)
}

/** One line for people; `--json` has every member. */
export function formatRecord(record: AuditRecord): string {
  const time = new Date(record.at).toISOString().slice(0, 19).replace('T', ' ')
  return printable(`${time} ${String(record.seq).padStart(5)} ${record.kind.padEnd(10)} ${tell(record)}`.trimEnd())
}

function tell(record: AuditRecord): string {
  switch (record.kind) {
    case 'call':
    case 'refusal':
      return tellTargeted(record)
    case 'outcome':
      return tellOutcome(record)
    case 'approval':
      return words(record.incident, record.principal, record.upstream, nameOf(record), record.event, record.answer)
    case 'change':
      return words(record.what, record.by)
    case 'start':
      return words(record.program, ...record.weaknesses.map((path) => `weakness ${path}`))
    case 'key':
      return words(record.key, record.lost === true ? 'in place of a lost one' : 'follows', record.old)
    case 'recovered':
      return words(record.cause)
    case 'process':
      return words(doer(record), record.event, record.driver, record.reason, usage(record))
    case 'access':
      return words(record.incident, doer(record), tellAccess(record.access))
    case 'accesses':
      return words(doer(record), ...Object.entries(record.counts).map(([sort, count]) => `${count} × ${sort}`))
    case 'alert':
      return tellAlert(record)
    case 'checkpoint':
    case 'stop':
      return ''
  }
}

function tellTargeted(record: Targeted): string {
  const { incident, principal, upstream, method } = record
  const code = record.kind === 'refusal' ? record.code : undefined
  return words(incident, principal, upstream, method, nameOf(record), code, why(record), seen(record))
}

function tellOutcome(record: Extract<AuditRecord, { kind: 'outcome' }>): string {
  const { incident, outcome, status, code, durationMs } = record
  return words(incident, outcome, String(status), code, `${durationMs} ms`, seen(record))
}

function tellAlert({ incident, level, score, subject, reasons, answer, count }: Told): string {
  const because = reasons
    .map(({ reason, observed, expected }) => `[${reason} ${observed}, usual ${expected}]`)
    .join(' ')
  return words(incident, level, String(score), `${subject.kind}:${subject.name}`, because, answer, `× ${count}`)
}

type Told = Extract<AuditRecord, { kind: 'alert' }>

const doer = ({ upstream, principal, scope, pid }: Doer): string => `${upstream}[${pid}] ${principal ?? scope}`

function tellAccess(access: RecordedAccess): string {
  switch (access.kind) {
    case 'egress': {
      const way = access.allowed ? 'reached' : 'refused'
      return words(way, `${access.host}:${access.port}`, access.protocol, access.address, access.reason)
    }
    case 'file':
      return words(access.change, access.path, access.bytes === undefined ? undefined : `${access.bytes} B`)
    case 'refused':
      return words('refused', access.wall, access.what)
  }
}

function usage({ usage: used }: ProcessBody): string | undefined {
  const pairs = Object.entries(used ?? {}).filter(([, value]) => value !== undefined && value !== 0)
  return pairs.length === 0 ? undefined : pairs.map(([name, value]) => `${name}=${String(value)}`).join(' ')
}

type Targeted = Extract<AuditRecord, { kind: 'call' | 'refusal' }>

function nameOf({ target }: Pick<Targeted, 'target'>): string | undefined {
  return target === undefined || target.kind === 'none' ? undefined : target.name
}

function why({ decision }: Targeted): string | undefined {
  return decision === undefined ? undefined : `${decision.effect} ${decision.policies.join(',')}`.trimEnd()
}

/** Where, what and what followed; `--json` has the evidence. */
function seen({ findings = [] }: { readonly findings?: Findings }): string {
  return findings
    .map(({ at, reason, verdict, shadow }) => `[${at} ${reason} ${shadow === true ? `would ${verdict}` : verdict}]`)
    .join(' ')
}

function words(...parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== '').join(' ')
}

function filterOf({ incident, principal, target }: AuditTailOptions): TailFilter {
  return {
    ...(incident === undefined ? {} : { incident }),
    ...(principal === undefined ? {} : { principal }),
    ...(target === undefined ? {} : { target }),
  }
}

function linesOf(text: string): number {
  const lines = Number(text)
  if (Number.isInteger(lines) && lines >= 0 && lines <= MAX_LINES) return lines
  throw new CommandError(EXIT.usage, `--lines is a number from 0 to ${MAX_LINES}`)
}

function read(directory: string, lines: number, filter: TailFilter, tenant: string): readonly AuditRecord[] {
  try {
    return readLast(directory, lines, filter)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown
    throw new CommandError(EXIT.unavailable, `There is no audit chain of tenant ${tenant} yet.`, thrown)
  }
}
