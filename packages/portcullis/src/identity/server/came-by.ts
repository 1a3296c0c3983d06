/** Decides whether a sign-in of earlier would still let somebody in: what the configuration lets in no longer has ended. */
import type { ServerSettings } from './settings.ts'
import { FEDERATED, type SignedIn } from './sign-in-method.ts'

/** Stands among the methods that sessions, codes and refresh tokens keep. Not a method, so it leaves in no token as one. */
const MARK = 'issuer '

/** What is kept of a sign-in: its methods, and who vouched for it. A provider cannot speak for another one. */
export const kept = ({ amr, issuer }: Pick<SignedIn, 'amr' | 'issuer'>): string[] => [
  ...methodsOf(amr),
  ...(issuer === undefined ? [] : [`${MARK}${issuer}`]),
]

/** The methods alone. */
export const methodsOf = (came: readonly string[]): readonly string[] => came.filter((one) => !one.startsWith(MARK))

/** Who vouched; undefined for a way of our own. */
export const issuerOf = (came: readonly string[]): string | undefined =>
  came.find((one) => one.startsWith(MARK))?.slice(MARK.length)

/** What is not known to suffice does not. */
export function stillAdmits(
  { methods, outside }: Pick<ServerSettings, 'methods' | 'outside'>,
  came: readonly string[] = [],
): boolean {
  const own = methodsOf(came)
  if (!own.includes(FEDERATED)) return methods.some((method) => method.admits(own))
  const issuer = issuerOf(came)
  return outside?.providers.some(({ settings }) => settings.issuer === issuer) === true
}
