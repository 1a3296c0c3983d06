/** `portcullis audit rotate-key`: another key signs the checkpoints from now on, and every chain says so. */
import { replaceLostKey } from '../audit/key-file.ts'
import { GATEWAY_TENANT } from '../audit/record.ts'
import { stateLayout } from '../config/state-layout.ts'
import { CommandError, EXIT } from './exit.ts'
import { type AdminOptions, isRunning, withAdmin } from './open-admin.ts'
import { openConfig } from './open-config.ts'
import { printable, type Terminal } from './terminal.ts'

export interface AuditRotateKeyOptions extends AdminOptions {
  /** There is no old key to sign for the new one. */
  readonly lost?: boolean
}

/** Rejects with CommandError, AuditKeyError, and what the store and the chains throw. */
export async function auditRotateKey(options: AuditRotateKeyOptions, terminal: Terminal): Promise<void> {
  const done =
    options.lost === true
      ? await replaceLost(options, terminal)
      : await withAdmin(options, terminal, ({ ask }) => ask({ method: 'POST', path: '/audit/rotate-key', body: {} }))
  if (options.json === true) terminal.out(JSON.stringify(done))
  const { key, chains, waiting } = done as { key: string; chains: number; waiting: readonly string[] }
  terminal.err(`The key ${printable(key)} signs now, and ${chains} chains say so; the old private key is gone.`)
  if (waiting.length > 0)
    terminal.err(`These chains cannot be written now and follow when they can: ${printable(waiting.join(', '))}`)
  terminal.err('Give the new public key to whoever verifies: audit.key.pub in the state folder.')
}

/** Where only a URL is known, the state folder is out of reach. */
async function replaceLost(options: AuditRotateKeyOptions, terminal: Terminal) {
  if (options.url !== undefined) throw new CommandError(EXIT.usage, '--lost works on the state folder, not on a URL')
  const { config } = openConfig(options, terminal)
  if (isRunning(config)) throw new CommandError(EXIT.unavailable, 'Stop the gateway first: it has the key still.')
  const { audit, auditKey } = stateLayout(config)
  const { keyId } = replaceLostKey(auditKey, audit, terminal.clock.now())
  const { openChains } = await import('./admin-embedded.ts')
  // Every chain that is opened says that its key was lost.
  const chains = await openChains(config, terminal, [GATEWAY_TENANT])
  try {
    await chains.append(GATEWAY_TENANT, { kind: 'change', what: 'audit.key-replaced', detail: { key: keyId } })
    return { key: keyId, chains: chains.heads.size, waiting: [] }
  } finally {
    await chains.close()
  }
}
