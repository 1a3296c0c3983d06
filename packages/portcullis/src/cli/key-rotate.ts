/** `portcullis key rotate`: gives a key a successor; the old one works on for a while. */
import { parseDuration } from './durations.ts'
import { CommandError, EXIT } from './exit.ts'
import { openConfig } from './open-config.ts'
import type { ConfigOption } from './open-config.ts'
import { withKeys } from './open-keys.ts'
import type { Terminal } from './terminal.ts'

export interface KeyRotateOptions extends ConfigOption {
  readonly tenant: string
  readonly overlap: string
  readonly json?: boolean
}

export async function keyRotate(id: string, options: KeyRotateOptions, terminal: Terminal): Promise<void> {
  const { config } = openConfig(options, terminal)
  const overlapSeconds = parseDuration(options.overlap)
  const issued = await withKeys(config, terminal, (keys) => keys.rotate(options.tenant, id, { overlapSeconds }))
  if (issued === undefined) {
    throw new CommandError(EXIT.findings, `Tenant ${options.tenant} has no key ${id} that could be rotated.`)
  }
  if (options.json === true) {
    terminal.out(JSON.stringify({ ...issued.record, key: issued.key.reveal() }))
    return
  }
  terminal.err(
    `Key ${issued.record.id} takes the place of ${id}, which works for ${options.overlap} more. It is shown only now:`,
  )
  terminal.out(issued.key.reveal())
}
