/** `portcullis backup drill BACKUP`: proves that a gateway can be put back, and leaves a signed report. */
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { checkpointSigner, loadCheckpointKey } from '../audit/checkpoint.ts'
import type { Config } from '../config/schema.ts'
import { stateLayout } from '../config/state-layout.ts'
import { type OpenedBackup, openSeries } from '../data-protection/backup/open-backup.ts'
import { contentsOf } from '../data-protection/backup/stage.ts'
import { drill } from '../gateway/drill.ts'
import { drillBytes, type DrillReport, drillText, type SignedReport } from '../gateway/drill-report.ts'
import { PRODUCT } from '../gateway/product.ts'
import { keysFor, openFor, progressOf, type ReadingOptions } from './backup-files.ts'
import { scratchIn } from './backup-verify.ts'
import { CommandError, EXIT, type ExitStatus } from './exit.ts'
import { configIsNamedOrThere, openConfig } from './open-config.ts'
import { runPolicyFile } from './policy-test.ts'
import { printable, type Terminal } from './terminal.ts'

export interface BackupDrillOptions extends ReadingOptions {
  readonly out?: string
  readonly policyTests?: string
  readonly withUpstreams?: boolean
  readonly scratch?: string
}

/** `findings` when a check failed. Rejects with BackupError for a backup that cannot be opened at all. */
export async function backupDrill(
  folder: string,
  options: BackupDrillOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  const place = resolve(folder)
  const live = configIsNamedOrThere(options, terminal) ? openConfig(options, terminal).config : undefined
  const keys = keysFor(place, options, live)
  const open = await openFor(options)
  if (open === undefined)
    throw new CommandError(EXIT.usage, 'Name what opens the backup: --identity FILE, or --passphrase-file FILE.')
  const series = openSeries(
    place,
    keys,
    options.in?.map((one) => resolve(one)),
  )
  const contents = await contentsOf(series, open)
  const scratch = scratchIn(options.scratch)
  const { policyTests } = options
  try {
    const checks = await drill({
      ...{ series, open, keys, contents, scratch, live, clock: terminal.clock, environment: terminal.environment },
      told: progressOf(terminal, 'opened'),
      withUpstreams: options.withUpstreams === true,
      policyTests: policyTests === undefined ? undefined : (config) => policyCheck(policyTests, config, terminal),
    })
    terminal.progress?.('')
    const report = reportOf(series, checks, terminal)
    return tell(signed(report, live), options, terminal)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

async function policyCheck(file: string, config: Config, terminal: Terminal): Promise<string> {
  const results = await runPolicyFile(file, config, undefined, terminal)
  const failed = results.filter(({ passed }) => !passed)
  if (failed.length > 0)
    throw new Error(`${failed.length} of ${results.length} failed: ${failed.map(({ name }) => name).join(', ')}`)
  return `${results.length} passed`
}

function reportOf(series: readonly OpenedBackup[], checks: DrillReport['checks'], { clock }: Terminal): DrillReport {
  const { manifest, digest } = series.at(-1) as OpenedBackup
  const { id, madeAt, key } = manifest
  return {
    ...{ format: 'portcullis-drill-1', at: clock.now(), program: `${PRODUCT.name} ${PRODUCT.version}`, checks },
    passed: checks.every(({ result }) => result !== 'failed'),
    backup: { id, madeAt, manifest: digest, key, continues: series.slice(0, -1).map((one) => one.manifest.id) },
  }
}

/** By the key of the gateway that runs here, not by one that came out of the backup. */
function signed(report: DrillReport, live: Config | undefined): SignedReport {
  const file = live && stateLayout(live).auditKey
  if (file === undefined || !existsSync(file)) return { report }
  const signer = checkpointSigner(loadCheckpointKey(file))
  return { report, key: signer.keyId, signature: signer.sign(drillBytes(report)) }
}

function tell(made: SignedReport, { out, json }: BackupDrillOptions, terminal: Terminal): ExitStatus {
  const text = drillText(made)
  if (out !== undefined) {
    writeFileSync(out, `${JSON.stringify(made)}\n`, { mode: 0o600 })
    writeFileSync(`${out}.txt`, `${text.join('\n')}\n`, { mode: 0o600 })
  }
  if (json === true) terminal.out(JSON.stringify(made))
  else for (const line of text) terminal.out(printable(line))
  return made.report.passed ? EXIT.ok : EXIT.findings
}
