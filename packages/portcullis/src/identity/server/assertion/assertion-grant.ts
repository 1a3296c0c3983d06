/**
 * Decides what an identity assertion is exchanged for: one short token for one resource, once, and never a refresh token
 * (RFC 7523 §2.1, draft-ietf-oauth-identity-assertion-authz-grant, MCP "Enterprise-Managed Authorization").
 */
import { createHash } from 'node:crypto'
import type { errors as Errors, Provider, TokenEndpointGrantContext } from 'oidc-provider'
import { toFault } from '../../../core/fault.ts'
import type { Account } from '../account-store.ts'
import { accountName } from '../account-name.ts'
import { accountPrincipal, outsideAccount } from '../families.ts'
import { resourceServers } from '../resource-servers.ts'
import type { ServerSettings } from '../settings.ts'
import { type AssertedHolder, assertHolder } from './asserted-holder.ts'
import type { Assertion } from './read-assertion.ts'
import { tokenProof } from './token-proof.ts'

export const ASSERTION_GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
/** Member of `authorization_grant_profiles_supported` (the draft's §7.2). */
export const ASSERTION_PROFILE = 'urn:ietf:params:oauth:grant-profile:id-jag'

interface Asked {
  readonly assertion?: string
}

type Context = TokenEndpointGrantContext<Asked>
type Assertions = NonNullable<ServerSettings['assertions']>

/** Why an assertion is refused: for the record. Whoever presents it hears `invalid_grant` and nothing else. */
class Refused extends Error {}

/** Adds the grant to an engine. Without `settings.assertions` there is no such grant. */
export function addAssertionGrant(provider: Provider, settings: ServerSettings, errors: typeof Errors): void {
  const { assertions } = settings
  if (assertions === undefined) return
  const grant = new AssertionGrant(settings, assertions, errors)
  const handler = async (context: Context) => {
    context.body = await grant.exchange(context).catch((thrown: unknown) => {
      throw new errors.InvalidGrant(reasonOf(thrown))
    })
  }
  provider.registerGrantType<Asked>(ASSERTION_GRANT, handler, ['assertion', 'scope', 'resource'])
}

/** Whatever failed, a store included: no token, one answer. What is our own mistake is told in the record too. */
function reasonOf(thrown: unknown): string {
  if (thrown instanceof Refused) return thrown.message
  if (thrown instanceof Error && 'error_description' in thrown) return String(thrown.error_description)
  const { code, detail } = toFault(thrown)
  return `${code}: ${String(detail['reason'] ?? (thrown instanceof Error ? thrown.message : ''))}`
}

class AssertionGrant {
  readonly #settings: ServerSettings
  readonly #assertions: Assertions
  readonly #resourceServer: ReturnType<typeof resourceServers>['getResourceServerInfo']
  readonly #proof: ReturnType<typeof tokenProof>

  constructor(settings: ServerSettings, assertions: Assertions, errors: typeof Errors) {
    this.#settings = settings
    this.#assertions = assertions
    this.#resourceServer = resourceServers(settings, errors).getResourceServerInfo
    const { clock, issuer } = settings
    const useOnce = (id: readonly string[], until: number) => this.#useOnce('AssertionProof', id, until)
    this.#proof = tokenProof({ algorithms: assertions.proofAlgorithms, clock, url: `${issuer}/token`, useOnce })
  }

  /** The answer of the token endpoint. */
  async exchange(context: Context): Promise<object> {
    const { client, params } = context.oidc
    if (typeof params.assertion !== 'string') throw new Refused('no assertion')
    const assertion = await this.#assertions.read(params.assertion)
    if (assertion.clientId !== client.clientId) throw new Refused('made for another client')
    if (client.clientAuthMethod === 'none' && !this.#assertions.publicClients) throw new Refused('a public client')
    if (params.resource !== undefined && params.resource !== assertion.resource) throw new Refused('another resource')
    const server = this.#resourceServer(context, assertion.resource)
    const holder = await this.#holderOf(assertion)
    await this.#requireTenant(client.clientId, holder)
    const scopes = scopesFor(assertion, params.scope, server.scope)
    const jkt = await this.#keyOf(context, assertion)
    // Last, so that only an assertion that is good in all else is used up. It is durable before the token is made.
    const { issuer, jti, until } = assertion
    if (!(await this.#useOnce('IdentityAssertion', [issuer, jti], until))) throw new Refused('used before')
    assertHolder(context, holder)
    return this.#issue(context, holder, assertion, scopes.join(' '), jkt)
  }

  async #issue(
    context: Context,
    { accountId }: AssertedHolder,
    { resource }: Assertion,
    scope: string,
    jkt: string | undefined,
  ): Promise<object> {
    const { provider, client } = context.oidc
    const { AccessToken, ResourceServer } = provider
    const properties = { accountId, client, gty: 'jwt-bearer', ...(scope !== '' && { scope }) }
    // No consent of a person stands behind it, so it is of no grant.
    const token = new AccessToken(properties as unknown as ConstructorParameters<typeof AccessToken>[0])
    token.resourceServer = new ResourceServer(resource, this.#resourceServer(context, resource))
    if (jkt !== undefined) token.setThumbprint('jkt', jkt)
    const value = await token.save()
    return {
      access_token: value,
      token_type: token.tokenType,
      expires_in: this.#settings.lifetimes.accessToken,
      ...(scope !== '' && { scope }),
    }
  }

  async #holderOf(assertion: Assertion): Promise<AssertedHolder> {
    const { issuer, jti, subject, tenant, roles, amr } = assertion
    const asserted = { issuer, jti, ...(amr && { amr }) }
    if (assertion.account === 'outside') {
      const accountId = outsideAccount(issuer, subject)
      return { ...asserted, accountId, principal: accountPrincipal(accountId), tenant, roles }
    }
    const account = await this.#accountOf(assertion)
    if (account === undefined || account.disabledAt !== undefined) throw new Refused('no such account')
    if (account.tenant !== tenant) throw new Refused('an account of another tenant')
    const { id, roles: own } = account
    return { ...asserted, accountId: id, principal: accountPrincipal(id), tenant, roles: own }
  }

  async #accountOf({ account, issuer, subject }: Assertion): Promise<Account | undefined> {
    const { accounts } = this.#settings
    if (typeof account === 'object') {
      const name = accountName(account.name)
      return name === undefined ? undefined : accounts.findByName(name)
    }
    const link = await this.#assertions.links.find(issuer, subject)
    return link && accounts.findById(link.account)
  }

  /** A client that a tenant has registered is for the people of this tenant. */
  async #requireTenant(clientId: string, { tenant }: AssertedHolder): Promise<void> {
    const registered = await this.#settings.clients.find(clientId)
    if (registered === undefined || registered.origin === 'registration' || registered.tenant === tenant) return
    throw new Refused('a client of another tenant')
  }

  /** A key that the assertion names has to be proved; any other proof binds the token all the same. */
  async #keyOf(context: Context, { jkt }: Assertion): Promise<string | undefined> {
    const header = context.get('DPoP')
    if (header === '') {
      if (jkt !== undefined || context.oidc.client.dpopBoundAccessTokens === true) throw new Refused('no proof')
      return undefined
    }
    const proved = await this.#proof(header)
    if (jkt !== undefined && proved !== jkt) throw new Refused('another key')
    return proved
  }

  /** In the store of grants: it is shared by all nodes, and what it has answered survives a power cut. */
  #useOnce(kind: string, id: readonly string[], until: number): Promise<boolean> {
    const digest = createHash('sha256').update(JSON.stringify(id)).digest('base64url')
    return this.#settings.grants.add({ kind, digest, payload: '{}', expiresAt: until })
  }
}

/** What is asserted, allowed to the issuer, known to the resource, and, if anything was asked for, asked for (MCP §7.2.1). */
function scopesFor(assertion: Assertion, asked: string | undefined, known = ''): readonly string[] {
  const served = new Set(known.split(' '))
  const wanted = asked === undefined ? undefined : new Set(asked.split(' '))
  const scopes = assertion.scopes.filter((scope) => served.has(scope) && wanted?.has(scope) !== false)
  if (wanted !== undefined && scopes.length === 0) throw new Refused('no scope that may be given')
  return [...new Set(scopes)]
}
