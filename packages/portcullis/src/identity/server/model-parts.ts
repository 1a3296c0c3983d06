/** Decides what happens when a consent or a token ends: it is revoked on every node, and that is on record. */
import type { errors as Errors } from 'oidc-provider'
import { accountPrincipal, grantFamily } from './families.ts'
import { nameOfToken } from './lone-tokens.ts'
import type { ServerSettings } from './settings.ts'
import type { StoredModelParts } from './stored-model.ts'
import { lastTokenEnds } from './token-end.ts'

export function modelParts(settings: ServerSettings, errors: typeof Errors): StoredModelParts {
  const { grants, clock, accounts, revocations, lifetimes, witness } = settings
  const revoke = async (tenant: string, id: string, reason: string) => {
    const from = clock.now()
    await revocations.revoke({
      kind: 'token',
      tenant,
      id,
      from,
      until: lastTokenEnds(from, lifetimes.accessToken),
      reason,
    })
  }
  return {
    grants,
    clock,
    reused: () => new errors.InvalidGrant('it was used before'),
    async onGrantEnded(grantId, accountId) {
      const account = accountId === undefined ? undefined : await accounts.findById(accountId)
      if (account === undefined) return
      await revoke(account.tenant, grantFamily(grantId), 'the consent has ended')
      await witness.changed(account.tenant, 'grant.ended', accountPrincipal(account.id), {
        grant: grantFamily(grantId),
      })
    },
    async onTokenEnded(payload) {
      const token = nameOfToken(payload)
      if (token === undefined) return
      const { jti, tenant } = token
      await revoke(tenant, jti, 'the token was revoked')
      await witness.changed(tenant, 'token.revoked', undefined, { jti, client: payload.clientId })
    },
  }
}
