/** Configuration to the ledger: one chain for each tenant, and whoever hears of what is durable. */
import { CHAIN_RULES } from '../audit/chain.ts'
import type { Exporters } from '../audit/export/exporters.ts'
import { openAuditKey } from '../audit/key-file.ts'
import { ChainLedger } from '../audit/ledger.ts'
import type { Logger } from '../audit/log.ts'
import { Receipts } from '../audit/receipt.ts'
import type { Witnesses } from '../audit/witness/witnesses.ts'
import type { Config } from '../config/schema.ts'
import type { StateLayout } from '../config/state-layout.ts'
import { weaknesses } from '../config/weaknesses.ts'
import type { Clock } from '../core/clock.ts'
import type { Observation } from './observation.ts'
import { PRODUCT } from './product.ts'
import { tenantNames } from './tenants.ts'

/** Who hears of what is durable. */
export interface Hearers {
  readonly exporters: Exporters | undefined
  readonly witnesses: Witnesses | undefined
}

/** Throws `ChainInUse`, `ChainDamaged`, `AuditKeyError`, or what the file system throws. */
export async function openLedger(
  config: Config,
  layout: StateLayout,
  clock: Clock,
  log: Logger,
  observation: Observation | undefined,
  { exporters, witnesses }: Hearers,
): Promise<ChainLedger> {
  const seconds = config.audit.checkpointEverySeconds
  return ChainLedger.open({
    directory: layout.audit,
    signer: openAuditKey(layout.auditKey, layout.audit),
    clock,
    rules: { ...CHAIN_RULES, checkpointMs: seconds * 1_000 },
    program: `${PRODUCT.name} ${PRODUCT.version}`,
    weaknesses: weaknesses(config).map(({ path, word }) => `${path}: ${word}`),
    tenants: tenantNames(config),
    onCommit: observation && ((records) => observation.metrics.committed(records)),
    onDurable:
      (exporters ?? witnesses) &&
      ((tenant, sequence) => {
        exporters?.hears(tenant, sequence)
        witnesses?.hears(tenant, sequence)
      }),
    onCheckpoint: witnesses && ((statement) => witnesses.take(statement)),
    onHealth: (tenant, error) =>
      error === undefined
        ? log.info('the audit chain is whole again', { tenant })
        : log.error('the audit chain is broken', { tenant, error }),
  })
}

/** Undefined where answers carry none. */
export const receiptsOf = ({ audit }: Config, chains: ChainLedger): Receipts | undefined =>
  audit.receipts === 'off' ? undefined : new Receipts(() => chains.signer)
