/** Configuration to what is removed of old audit records, and what keeps it from being removed. */
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import type { ChainLedger } from '../audit/ledger.ts'
import { HOLD_FILE, type HoldFile, readHolds } from '../audit/legal-hold.ts'
import type { Logger } from '../audit/log.ts'
import { GATEWAY_TENANT } from '../audit/record.ts'
import { Retention } from '../audit/retention.ts'
import { quietBefore, type RetentionRule } from '../audit/retention-due.ts'
import type { SegmentGuard } from '../audit/retention-guard.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import { existsSync } from 'node:fs'
import { readPrivate, writeWhole } from '../pki/private-file.ts'

export interface RetentionParts {
  readonly config: Pick<Config, 'audit' | 'tenants'>
  /** Folder of the audit chains. */
  readonly folder: string
  readonly chains: Pick<ChainLedger, 'append' | 'endSegment'>
  readonly payloads: { endSegment(tenant: string): void } | undefined
  /** Asked each time, so that more can be added while the gateway is put together. */
  readonly guards: readonly SegmentGuard[]
  readonly clock: Clock
  readonly log: Logger
}

/** Undefined where everything is kept for ever. */
export function buildRetention(parts: RetentionParts): Retention | undefined {
  const { config, folder, chains, payloads, guards, clock, log } = parts
  const ruleOf = retentionRules(config)
  if (ruleOf === undefined) return undefined
  return new Retention({
    directory: folder,
    ruleOf,
    ledger: {
      append: (tenant, body) => chains.append(tenant, body),
      endSegment(tenant) {
        chains.endSegment(tenant)
        payloads?.endSegment(tenant)
      },
    },
    holdsIn: (directory) => readHolds(holdFile(directory)),
    guards,
    clock,
    uptimeMs: () => performance.now(),
    quietMs: quietBefore(join(folder, GATEWAY_TENANT)),
    onProblem: (directory, error) => log.error('old audit records are not removed', { directory, error }),
  })
}

/** The holds of the tenant whose chain lies in this folder. */
export function holdFile(directory: string): HoldFile {
  const file = `${directory}/${HOLD_FILE}`
  return {
    read: () => (existsSync(file) ? readPrivate(file) : undefined),
    write: (text) => writeWhole(file, text, 0o600),
  }
}

type Said = NonNullable<Config['audit']['retention']>

/** By tenant; undefined when no tenant has any. */
function retentionRules({ audit, tenants = {} }: RetentionParts['config']) {
  const usual = ruleFrom(audit.retention)
  const own = new Map(Object.entries(tenants).map(([name, { retention }]) => [name, ruleFrom(retention)] as const))
  if (usual === undefined && [...own.values()].every((rule) => rule === undefined)) return undefined
  return (tenant: string) => own.get(tenant) ?? usual
}

function ruleFrom(said: Said | undefined): RetentionRule | undefined {
  if (said === undefined || (said.days === undefined && said.megabytes === undefined)) return undefined
  const { days, megabytes } = said
  return { ...(days !== undefined && { days }), ...(megabytes !== undefined && { maxBytes: megabytes * 1_048_576 }) }
}
