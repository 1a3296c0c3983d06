/** Where the configuration says that clients reach the gateway, for commands that cannot ask it. */
import type { Config } from '../config/schema.ts'

/** Origin without a trailing slash. `PORT` stands for one that the system chooses. */
export function originOf({ listen }: Config): string {
  if (listen.publicUrl !== undefined) return listen.publicUrl
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host
  const origin = `${listen.plaintext === undefined ? 'https' : 'http'}://${host}`
  return listen.port === 0 ? `${origin}:PORT` : `${origin}:${listen.port}`
}
