/** Decides which paths of the gateway are the authorization server's. */
import { MOUNT_PATH } from './settings.ts'

const WELL_KNOWN = '/.well-known/'
/** RFC 8414 §3.1 puts the well-known part before the issuer's path, OpenID Connect Discovery §4.1 after it; both are asked. */
const DOCUMENTS = ['oauth-authorization-server', 'openid-configuration'] as const

const INSERTED: ReadonlyMap<string, string> = new Map(
  DOCUMENTS.map((document) => [`${WELL_KNOWN}${document}${MOUNT_PATH}`, `${WELL_KNOWN}${document}`]),
)

/** What programs call. Everything else below the mount is a page for people. */
const FOR_PROGRAMS: ReadonlySet<string> = new Set([
  ...['token', 'jwks', 'revoke', 'introspect', 'par', 'register', 'device/authorize'].map(
    (one) => `${MOUNT_PATH}/${one}`,
  ),
  ...DOCUMENTS.map((document) => `${MOUNT_PATH}${WELL_KNOWN}${document}`),
])

/** Whether a path is a page of ours: not to be read by pages of other origins, the authorization endpoint among them. */
export const isPage = (path: string): boolean => path.startsWith(`${MOUNT_PATH}/`) && !FOR_PROGRAMS.has(path)

/** The path below the mount, or undefined for a path of somebody else. */
export function mountedPath(path: string): string | undefined {
  const document = INSERTED.get(path)
  if (document !== undefined) return document
  return path.startsWith(`${MOUNT_PATH}/`) ? path.slice(MOUNT_PATH.length) : undefined
}
