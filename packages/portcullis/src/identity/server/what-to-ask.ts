/** Decides when an earlier sign-in or an earlier consent is not enough, beyond what OpenID Connect itself asks. */
import type { interactionPolicy, KoaContextWithOIDC } from 'oidc-provider'
import { stillAdmits } from './came-by.ts'
import { isForDestination } from './consents-given.ts'
import type { ServerSettings } from './settings.ts'

/** The library's own reasons to ask, and ours. */
export function whatToAsk(
  settings: ServerSettings,
  { base, Check }: typeof interactionPolicy,
): interactionPolicy.DefaultPolicy {
  const policy = base()
  policy.get('login')?.checks.add(
    new Check('way', 'the way to sign in does not suffice any more', 'login_required', ({ oidc }) => {
      const { accountId, amr } = oidc.session ?? {}
      return accountId !== undefined && !stillAdmits(settings, amr)
    }),
  )
  policy
    .get('consent')
    ?.checks.add(
      new Check('destination', 'nobody has consented to this address', 'consent_required', (context) =>
        isElsewhere(settings, context),
      ),
    )
  return policy
}

/** A consent of just now was given before the eyes of the person. */
async function isElsewhere(settings: ServerSettings, { oidc }: KoaContextWithOIDC): Promise<boolean> {
  if (oidc.result?.consent !== undefined) return false
  const redirect = oidc.params?.['redirect_uri']
  const grantId = oidc.entities.Grant?.jti
  return !(await isForDestination(settings, grantId, typeof redirect === 'string' ? redirect : undefined))
}
