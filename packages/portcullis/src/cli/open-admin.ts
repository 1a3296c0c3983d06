/** Decides whom a command asks: the gateway that runs, or, when none does, its store. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { isHeld } from '../audit/lock.ts'
import type { Config } from '../config/schema.ts'
import { stateLayout } from '../config/state-layout.ts'
import { readNote } from '../gateway/running-note.ts'
import { privateFolder } from '../pki/private-file.ts'
import { type AdminReply, type AdminRequest, type AdminSend, documentOf } from './admin-call.ts'
import type { RemoteOptions } from './admin-remote.ts'
import { CommandError, EXIT } from './exit.ts'
import { type ConfigOption, configIsNamedOrThere, openConfig } from './open-config.ts'
import { isOwnUrl } from './server-url.ts'
import type { Terminal } from './terminal.ts'

export interface AdminOptions extends ConfigOption, RemoteOptions {
  readonly tenant?: string
  readonly json?: boolean
}

export interface AdminDesk {
  /** Absent where only `--url` is known. */
  readonly config?: Config
  /** The document of the answer. Rejects with CommandError; `missing` is said of what is not there. */
  readonly ask: (request: AdminRequest, missing?: string) => Promise<AdminReply['document']>
  /** All pages of a list. */
  readonly all: (request: AdminRequest, member: string) => Promise<readonly AdminReply['document'][]>
}

/** Runs `use`. Rejects with CommandError, ConfigError, and what the store and the chain throw. */
export async function withAdmin<T>(
  options: AdminOptions,
  terminal: Terminal,
  use: (desk: AdminDesk) => Promise<T>,
): Promise<T> {
  const url = options.url ?? terminal.environment['PORTCULLIS_URL']
  if (url !== undefined) {
    const config = configIsNamedOrThere(options, terminal) ? openConfig(options, terminal).config : undefined
    const { namedDoor, remoteAdmin } = await import('./admin-remote.ts')
    // The key in the state folder is for the gateway of the configuration, and for no other.
    const own = config !== undefined && isOwnUrl(url, config) ? config : undefined
    // What the gateway there knows is not what our configuration says.
    return use(deskOf(remoteAdmin(namedDoor(url, options, config), options, own, terminal), options, undefined))
  }
  const { config } = openConfig(options, terminal)
  if (isRunning(config)) {
    const { localDoor, remoteAdmin } = await import('./admin-remote.ts')
    // Who else could write there could send the key anywhere.
    privateFolder(config.state)
    const note = readNote(config)
    if (note === undefined)
      throw new CommandError(EXIT.unavailable, 'Another command works on this state folder; try again.')
    return use(deskOf(remoteAdmin(localDoor(note, options, config), options, config, terminal), options, config))
  }
  if (config.store.kind === 'memory') {
    const says = 'A store in memory lives inside the gateway, and none is running; nothing can be reached from here.'
    throw new CommandError(EXIT.unavailable, says)
  }
  const { withEmbedded } = await import('./admin-embedded.ts')
  return withEmbedded(config, terminal, (send) => use(deskOf(send, options, config)))
}

/** Whether somebody writes the chains: he is the one to ask, for there is never a second. */
export function isRunning(config: Config): boolean {
  const { audit } = stateLayout(config)
  if (!existsSync(audit)) return false
  return readdirSync(audit).some((chain) => isHeld(join(audit, chain)))
}

function deskOf(send: AdminSend, { tenant }: AdminOptions, config: Config | undefined): AdminDesk {
  const missing = `There is no such thing in ${tenant === undefined ? 'your tenant' : `tenant ${tenant}`}.`
  const ask: AdminDesk['ask'] = async (request, says = missing) =>
    documentOf(await send({ ...request, query: { ...request.query, tenant } }), says)
  return {
    ...(config && { config }),
    ask,
    async all(request, member) {
      const found: AdminReply['document'][] = []
      const seen = new Set<string>()
      let cursor: string | undefined
      do {
        const query = { ...request.query, limit: '500', ...(cursor !== undefined && { cursor }) }
        const page = await ask({ ...request, query })
        found.push(...(page[member] as AdminReply['document'][]))
        cursor = page['next'] as string | undefined
        if (cursor !== undefined && seen.has(cursor))
          throw new CommandError(EXIT.unavailable, 'The gateway gives the same page again and again.')
        if (cursor !== undefined) seen.add(cursor)
      } while (cursor !== undefined)
      return found
    },
  }
}
