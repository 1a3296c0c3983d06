/** `portcullis store prepare`: the one command that changes the schema, with rights that no gateway has. */
import { resolve } from 'node:path'
import type { SecretSource } from '../config/schema.ts'
import { addressAs } from '../gateway/postgres-copy.ts'
import { CommandError, EXIT } from './exit.ts'
import { type ConfigOption, openConfig } from './open-config.ts'
import { proverOf } from './prover-of.ts'
import type { Terminal } from './terminal.ts'

export interface StorePrepareOptions extends ConfigOption {
  readonly owner: string
  readonly passwordFile?: string
  readonly passwordEnv?: string
}

/** Rejects with CommandError, ConfigError, SecretError, StoreError, and with what PostgreSQL says. */
export async function storePrepare(options: StorePrepareOptions, terminal: Terminal): Promise<void> {
  const { config } = openConfig(options, terminal)
  const { kind, username = '' } = config.store
  if (kind !== 'postgres')
    throw new CommandError(EXIT.usage, `The store is of the kind ${kind}; only one of the kind postgres is prepared.`)
  if (options.owner === username)
    throw new CommandError(
      EXIT.usage,
      'The role of the gateways cannot be the owner: row-level security would not hold it.',
    )
  const { environment } = terminal
  const prover = proverOf(config, terminal)
  const role = { username: options.owner, password: ownersPassword(options) }
  const owner = await addressAs({ config, environment, prover }, role)
  const reader = config.backup.postgres?.username
  const { preparePostgres } = await import('../stores/postgres/migrate.ts')
  const { before, after } = await preparePostgres(owner, username, reader)
  const changed = before === after ? `has version ${after} already` : `was brought from version ${before} to ${after}`
  const copies = reader === undefined ? '' : `, and ${reader} may copy it`
  terminal.out(`The schema ${changed}; ${username} may use it${copies}.`)
}

/** Throws CommandError when both are named. */
export function ownersPassword({
  passwordFile,
  passwordEnv,
}: Pick<StorePrepareOptions, 'passwordFile' | 'passwordEnv'>): SecretSource | undefined {
  if (passwordFile !== undefined && passwordEnv !== undefined)
    throw new CommandError(EXIT.usage, 'Name one of --password-file and --password-env.')
  if (passwordFile !== undefined) return { file: resolve(passwordFile) }
  return passwordEnv === undefined ? undefined : { env: passwordEnv }
}
