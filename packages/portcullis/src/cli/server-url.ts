/** Where the configuration says that clients reach the gateway, for commands that cannot ask it. */
import { statSync } from 'node:fs'
import { hostInUrl } from '../config/host-in-url.ts'
import type { Config } from '../config/schema.ts'
import { readNote } from '../gateway/running-note.ts'

/** Origin without a trailing slash. `PORT` stands for one that the system chooses. */
export function originOf({ listen }: Config): string {
  if (listen.publicUrl !== undefined) return listen.publicUrl
  const origin = `${listen.plaintext === undefined ? 'https' : 'http'}://${hostInUrl(listen.host)}`
  return listen.port === 0 ? `${origin}:PORT` : `${origin}:${listen.port}`
}

/** Whether a URL is that of the gateway of this configuration: as it says, or as that gateway does which runs. */
export function isOwnUrl(url: string, config: Config): boolean {
  const own = [originOf(config), isPrivate(config.state) ? (readNote(config)?.url ?? '') : ''].map(plainOrigin)
  const named = plainOrigin(url)
  return named !== undefined && own.includes(named)
}

/** With one name for this host. Undefined for what is no URL. */
function plainOrigin(text: string): string | undefined {
  const url = URL.parse(text)
  if (url === null) return undefined
  return `${url.protocol}//${LOOPBACK.has(url.hostname) ? 'localhost' : url.hostname}:${url.port}`
}

const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])

/** Who else could write there could name any URL. */
function isPrivate(folder: string): boolean {
  const facts = statSync(folder, { throwIfNoEntry: false })
  return facts !== undefined && (facts.mode & 0o077) === 0
}
