/** What a person is asked to decide for a client: who asks, where the answer goes, and for what. */
import type { Client, InteractionResults, Provider } from 'oidc-provider'
import type { Answer, Exchange } from '../../core/exchange.ts'
import type { Account } from './account-store.ts'
import type { ConsentRequest } from './consent-page.ts'
import type { FormTokens } from './form-token.ts'
import type { NodePair } from './node-bridge.ts'
import { formTargetOf } from './page.ts'
import type { SignInDeskParts } from './sign-in-desk.ts'

export interface InteractionParts extends SignInDeskParts {
  readonly forms: FormTokens
  readonly provider: Provider
}

export type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>

/** One look of a browser at what it has to decide. */
export interface Visit extends InteractionParts {
  readonly exchange: Exchange
  readonly pair: NodePair
  readonly interaction: Interaction
  readonly client: Client
}

export const nameOf = (client: Client): string => client.clientName ?? client.clientId

/** Undefined in the device flow. */
export function redirectUriOf({ interaction }: Pick<Visit, 'interaction'>): string | undefined {
  const redirect = interaction.params['redirect_uri']
  return typeof redirect === 'string' ? redirect : undefined
}

/** Those of ours that it asks for. */
export function resourcesOf({ interaction, settings }: Visit): readonly string[] {
  const asked = interaction.params['resource']
  const list = Array.isArray(asked) ? (asked as readonly unknown[]) : [asked]
  return list.filter((one): one is string => typeof one === 'string' && settings.resources.has(one))
}

export const scopesOf = ({ interaction }: Visit): readonly string[] =>
  String(interaction.params['scope'] ?? '')
    .split(' ')
    .filter((scope) => scope !== '')

/** Where forms may lead in the end, in the words of CSP. */
export function targetsOf(visit: Visit): readonly string[] {
  const redirect = redirectUriOf(visit)
  const target = redirect === undefined ? undefined : formTargetOf(redirect)
  return target === undefined ? [] : [target]
}

/** As the consent page shows it. */
export function requestOf(visit: Visit): ConsentRequest {
  const { settings, interaction, client, forms } = visit
  const { resources, scopes } = settings
  const redirectUri = redirectUriOf(visit)
  return {
    uid: interaction.uid,
    clientName: nameOf(client),
    clientId: client.clientId,
    ...(redirectUri !== undefined && { redirectUri }),
    resources: resourcesOf(visit).map((identifier) => ({ identifier, title: resources.get(identifier) ?? identifier })),
    permissions: scopesOf(visit).flatMap((scope) => scopes.get(scope) ?? []),
    formTargets: targetsOf(visit),
    denyToken: forms.issue(interaction.uid),
  }
}

/** Who has signed in, in this interaction or in this browser before. */
export async function accountOf({ interaction, settings }: Visit): Promise<Account | undefined> {
  const login = interaction.lastSubmission?.login?.accountId ?? interaction.session?.accountId
  const account = login === undefined ? undefined : await settings.accounts.findById(login)
  return account?.disabledAt === undefined ? account : undefined
}

/** A client that a tenant has registered is for the people of this tenant. */
export async function maySee({ settings, client }: Visit, { tenant }: Account): Promise<boolean> {
  const registered = await settings.clients.find(client.clientId)
  return registered === undefined || registered.origin === 'registration' || registered.tenant === tenant
}

/** What the client is told instead of getting a code. */
export const refusal = (description: string): InteractionResults => ({
  error: 'access_denied',
  error_description: description,
})

/** The end of the interaction. @param merge keeps what was decided in it before */
export async function finish({ provider, pair }: Visit, result: InteractionResults, merge: boolean): Promise<Answer> {
  await provider.interactionFinished(pair.request, pair.response, result, { mergeWithLastSubmission: merge })
  return pair.response.answered
}
