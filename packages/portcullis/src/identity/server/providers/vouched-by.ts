/** Decides whether an account belongs to an outside provider: when that one lets somebody go, no passkey of ours may stay behind. */
import type { ServerSettings } from '../settings.ts'

/** Title of the provider for whose sign-in the account was made; its issuer when it is not configured any more; undefined for our own accounts. */
export async function vouchedBy(
  { outside }: Pick<ServerSettings, 'outside'>,
  account: string,
): Promise<string | undefined> {
  const link = (await outside?.links.ofAccount(account))?.find(({ origin }) => origin === 'provider')
  if (link === undefined) return undefined
  return outside?.providers.find(({ settings }) => settings.issuer === link.issuer)?.settings.title ?? link.issuer
}
