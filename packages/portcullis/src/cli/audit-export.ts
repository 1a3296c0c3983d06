/** `portcullis audit export`: hands out a piece of a chain as a signed bundle that anybody with the public key can check. */
import { createPublicKey } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { checkpointKeyId, loadCheckpointKey, readCheckpointPublicKey } from '../audit/checkpoint.ts'
import { publicAuditKeys } from '../audit/key-file.ts'
import { exportBundle } from '../audit/export-bundle.ts'
import { chainFolder } from '../audit/ledger.ts'
import { stateLayout } from '../config/state-layout.ts'
import { PRODUCT } from '../gateway/product.ts'
import { parseInstant } from './durations.ts'
import { CommandError, EXIT, type ExitStatus } from './exit.ts'
import { type ConfigOption, openConfig } from './open-config.ts'
import { printable, type Terminal } from './terminal.ts'

export interface AuditExportOptions extends ConfigOption {
  readonly tenant: string
  readonly from?: string
  readonly to?: string
  readonly out: string
  /** Public keys besides that of the state folder, such as earlier ones. */
  readonly key?: readonly string[]
  readonly json?: boolean
}

/** `findings` when there is no record of that time; then nothing is made. */
export async function auditExport(options: AuditExportOptions, terminal: Terminal): Promise<ExitStatus> {
  const { config } = openConfig(options, terminal)
  const { audit, auditKey } = stateLayout(config)
  const directory = join(audit, chainFolder(options.tenant))
  const out = resolve(options.out)
  if (!existsSync(directory) || !existsSync(auditKey))
    throw new CommandError(EXIT.unavailable, `There is no audit chain of tenant ${printable(options.tenant)} yet.`)
  if (existsSync(out)) throw new CommandError(EXIT.usage, `${out} is there already; name a folder that is not.`)
  const privateKey = loadCheckpointKey(auditKey)
  const own = createPublicKey(privateKey)
  const keyId = checkpointKeyId(own)
  const now = terminal.clock.now()
  const manifest = await exportBundle({
    ...{ directory, tenant: options.tenant, out, keyId, privateKey, now },
    ...(options.from !== undefined && { from: parseInstant(options.from, now) }),
    ...(options.to !== undefined && { to: parseInstant(options.to, now) }),
    publicKeys: new Map([
      [keyId, own],
      ...publicAuditKeys(auditKey),
      ...(options.key ?? []).map(readCheckpointPublicKey),
    ]),
    program: `${PRODUCT.name} ${PRODUCT.version}`,
  })
  if (manifest === undefined) {
    terminal.err('There is no record of that time.')
    return EXIT.findings
  }
  const { records, last, signedSequence } = manifest
  if (options.json === true) terminal.out(JSON.stringify(manifest))
  else
    terminal.out(
      `${records} records are in ${out}, ${last.sequence - signedSequence} of them after the last signed one.`,
    )
  terminal.err(`Whoever checks them needs the public key ${auditKey}.pub from you, not from the bundle.`)
  return EXIT.ok
}
