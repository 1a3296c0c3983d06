/** Decides which paths of the gateway are the authorization server's. */
import { MOUNT_PATH } from './settings.ts'

const WELL_KNOWN = '/.well-known/'
/** RFC 8414 §3.1 puts the well-known part before the issuer's path, OpenID Connect Discovery §4.1 after it; both are asked. */
const DOCUMENTS = ['oauth-authorization-server', 'openid-configuration'] as const

const INSERTED: ReadonlyMap<string, string> = new Map(
  DOCUMENTS.map((document) => [`${WELL_KNOWN}${document}${MOUNT_PATH}`, `${WELL_KNOWN}${document}`]),
)

/** The path below the mount, or undefined for a path of somebody else. */
export function mountedPath(path: string): string | undefined {
  const document = INSERTED.get(path)
  if (document !== undefined) return document
  return path.startsWith(`${MOUNT_PATH}/`) ? path.slice(MOUNT_PATH.length) : undefined
}
