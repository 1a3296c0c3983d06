/** Decides what a consent is: of one person, for one client, for what it has asked, and for answers to the place that was shown. */
import type { Account } from './account-store.ts'
import { accountPrincipal, grantFamily } from './families.ts'
import { destinationOf } from './redirects.ts'
import type { ServerSettings } from './settings.ts'
import { digestOf } from './stored-model.ts'
import { redirectUriOf, resourcesOf, scopesOf, type Visit } from './visit.ts'

/** Of the family of its consent, so that it ends with it. */
const KIND = 'ConsentDestination'

/** A grant of its own for each consent, so that each can be taken back by itself. Rejects with `audit.unavailable`. */
export async function giveConsent(visit: Visit, { id: accountId, tenant }: Account): Promise<string> {
  const { settings, provider, client } = visit
  const grant = new provider.Grant({ accountId, clientId: client.clientId })
  const scopes = scopesOf(visit)
  const plain = ['openid', 'offline_access', ...settings.scopes.keys()].filter((scope) => scopes.includes(scope))
  if (plain.length > 0) grant.addOIDCScope(plain.join(' '))
  const resources = resourcesOf(visit)
  for (const resource of resources) grant.addResourceScope(resource, plain.join(' '))
  const grantId = await grant.save()
  const destination = destinationOf(redirectUriOf(visit))
  const facts = { client: client.clientId, destination, resources, scopes, grant: grantFamily(grantId) }
  await settings.witness.changed(tenant, 'consent.granted', accountPrincipal(accountId), facts)
  await settings.grants.put({
    ...{ kind: KIND, digest: digestFor(grantId, destination), payload: '{}', grant: grantId, account: accountId },
    expiresAt: settings.clock.now() + settings.lifetimes.grant * 1000,
  })
  return grantId
}

/** Whether the person has seen, when consenting, where the answer goes. A client may have addresses of many hosts. */
export async function isForDestination(
  { grants, clock }: Pick<ServerSettings, 'grants' | 'clock'>,
  grantId: string | undefined,
  redirectUri: string | undefined,
): Promise<boolean> {
  if (grantId === undefined) return false
  const entry = await grants.find(KIND, digestFor(grantId, destinationOf(redirectUri)))
  return entry !== undefined && entry.grant === grantId && entry.expiresAt > clock.now()
}

const digestFor = (grantId: string, destination: string): string => digestOf(JSON.stringify([grantId, destination]))
