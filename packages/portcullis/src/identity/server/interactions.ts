/** Decides what a person has to do before a client gets anything: sign in, and consent. */
import type { Client, InteractionResults, Provider } from 'oidc-provider'
import type { Answer, Exchange } from '../../core/exchange.ts'
import { Fault } from '../../core/fault.ts'
import type { Account } from './account-store.ts'
import { consentPage } from './consent-page.ts'
import { accountPrincipal, grantFamily } from './families.ts'
import { readFields } from './form.ts'
import type { FormTokens } from './form-token.ts'
import type { NodePair } from './node-bridge.ts'
import { formTargetOf, messagePage } from './page.ts'
import { MOUNT_PATH } from './settings.ts'
import {
  arriveAt,
  leaveFrom,
  proveAt,
  signInAt,
  type SignInDeskParts,
  type SignInOutcome,
  type SignInPlace,
} from './sign-in-desk.ts'

export interface InteractionParts extends SignInDeskParts {
  readonly forms: FormTokens
  readonly provider: Provider
}

/** `…/interaction/UID` and `…/interaction/UID/STEP`. */
const PATH = /^\/interaction\/([\w-]{10,64})(?:\/(sign-in|provider|arrive|consent|deny))?$/

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>

interface Visit extends InteractionParts {
  readonly exchange: Exchange
  readonly pair: NodePair
  readonly interaction: Interaction
  readonly client: Client
}

/** The answer, or undefined for a path of somebody else. Throws faults of the rooms `identity`, `message`, `transport`. */
export async function interact(
  parts: InteractionParts,
  path: string,
  exchange: Exchange,
  pair: NodePair,
): Promise<Answer | undefined> {
  const [, uid, step] = PATH.exec(path) ?? []
  if (uid === undefined) return undefined
  const interaction = await find(parts, pair, uid)
  if (interaction === undefined) return gone()
  const client = await parts.provider.Client.find(String(interaction.params['client_id']))
  if (client === undefined) return gone()
  const visit = { ...parts, exchange, pair, interaction, client }
  const { method } = exchange.head
  if (step === undefined && method === 'GET') return pageOf(visit)
  if (step === 'arrive' && method === 'GET') return finishSignIn(visit, await arriveAt(parts, placeOf(visit), exchange))
  if (step === undefined || step === 'arrive' || method !== 'POST')
    throw new Fault('transport.method_not_allowed', { method })
  const fields = await readFields(exchange)
  if (!parts.forms.accepts(fields.get('csrf'), uid)) throw new Fault('identity.form_refused', { step })
  if (step === 'deny') return deny(visit)
  if (step === 'consent') return consent(visit)
  const place = placeOf(visit)
  if (step === 'provider') return leaveFrom(parts, place, fields, exchange)
  return finishSignIn(visit, await proveAt(parts, place, fields, exchange))
}

/** The signed cookie says whose it is; an address alone opens nothing. */
async function find({ provider }: InteractionParts, pair: NodePair, uid: string): Promise<Interaction | undefined> {
  try {
    const interaction = await provider.interactionDetails(pair.request, pair.response)
    return interaction.uid === uid ? interaction : undefined
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name === 'SessionNotFound') return undefined
    throw thrown
  }
}

const gone = (): Answer => messagePage('This page has expired', 'Go back to the application and start again.', 400)

async function pageOf(visit: Visit): Promise<Answer> {
  if (visit.interaction.prompt.name === 'login') return signInAt(visit, placeOf(visit))
  const account = await accountOf(visit)
  if (account === undefined) return gone()
  if (!(await maySee(visit, account))) return finish(visit, refusal('this account may not use this client'), false)
  const { uid, params } = visit.interaction
  const { resources, scopes } = visit.settings
  const asked = resourcesOf(visit)
  return consentPage({
    uid,
    clientName: nameOf(visit.client),
    clientId: visit.client.clientId,
    ...(typeof params['redirect_uri'] === 'string' && { redirectUri: params['redirect_uri'] }),
    accountName: account.name,
    resources: asked.map((identifier) => ({ identifier, title: resources.get(identifier) ?? identifier })),
    permissions: scopesOf(visit).flatMap((scope) => scopes.get(scope) ?? []),
    formToken: visit.forms.issue(uid),
    formTargets: targets(visit),
  })
}

/** Throws `identity.form_refused` where nobody is asked to sign in. */
function placeOf(visit: Visit): SignInPlace {
  const { interaction, client, forms } = visit
  const { uid, prompt } = interaction
  if (prompt.name !== 'login') throw new Fault('identity.form_refused', { step: 'sign-in' })
  return {
    path: `${MOUNT_PATH}/interaction/${uid}`,
    about: `interaction ${uid}`,
    to: nameOf(client),
    formToken: forms.issue(uid),
    formTargets: targets(visit),
    canCancel: true,
    fresh: prompt.reasons.some((reason) => AGAIN.has(reason)),
    facts: { client: client.clientId },
  }
}

/** What a client asks for who wants the person to sign in anew. */
const AGAIN: ReadonlySet<string> = new Set(['login_prompt', 'max_age'])

async function finishSignIn(visit: Visit, outcome: SignInOutcome): Promise<Answer> {
  if (outcome.answer !== undefined) return outcome.answer
  const { accountId, amr, acr } = outcome.signedIn
  const ts = Math.floor(visit.settings.clock.now() / 1000)
  return finish(visit, { login: { accountId, amr: [...amr], ...(acr !== undefined && { acr }), ts } }, false)
}

/** A grant of its own for each consent, so that each can be taken back by itself. */
async function consent(visit: Visit): Promise<Answer> {
  const { settings, provider, interaction, client } = visit
  const account = await accountOf(visit)
  if (interaction.prompt.name !== 'consent' || account === undefined || !(await maySee(visit, account))) {
    throw new Fault('identity.form_refused', { step: 'consent' })
  }
  const grant = new provider.Grant({ accountId: account.id, clientId: client.clientId })
  const scopes = scopesOf(visit)
  const plain = ['openid', 'offline_access', ...settings.scopes.keys()].filter((scope) => scopes.includes(scope))
  if (plain.length > 0) grant.addOIDCScope(plain.join(' '))
  for (const resource of resourcesOf(visit)) grant.addResourceScope(resource, plain.join(' '))
  const grantId = await grant.save()
  const facts = { client: client.clientId, resources: resourcesOf(visit), scopes, grant: grantFamily(grantId) }
  await settings.witness.changed(account.tenant, 'consent.granted', accountPrincipal(account.id), facts)
  return finish(visit, { consent: { grantId } }, true)
}

async function deny(visit: Visit): Promise<Answer> {
  const account = await accountOf(visit)
  const by = account && accountPrincipal(account.id)
  await visit.settings.witness.changed(account?.tenant, 'consent.denied', by, { client: visit.client.clientId })
  return finish(visit, refusal('the person said no'), false)
}

const refusal = (description: string): InteractionResults => ({
  error: 'access_denied',
  error_description: description,
})

async function finish({ provider, pair }: Visit, result: InteractionResults, merge: boolean): Promise<Answer> {
  await provider.interactionFinished(pair.request, pair.response, result, { mergeWithLastSubmission: merge })
  return pair.response.answered
}

async function accountOf({ interaction, settings }: Visit): Promise<Account | undefined> {
  const login = interaction.lastSubmission?.login?.accountId ?? interaction.session?.accountId
  const account = login === undefined ? undefined : await settings.accounts.findById(login)
  return account?.disabledAt === undefined ? account : undefined
}

/** A client that a tenant has registered is for the people of this tenant. */
async function maySee({ settings, client }: Visit, { tenant }: Account): Promise<boolean> {
  const registered = await settings.clients.find(client.clientId)
  return registered === undefined || registered.origin === 'registration' || registered.tenant === tenant
}

function resourcesOf({ interaction, settings }: Visit): readonly string[] {
  const asked = interaction.params['resource']
  const list = Array.isArray(asked) ? (asked as readonly unknown[]) : [asked]
  return list.filter((one): one is string => typeof one === 'string' && settings.resources.has(one))
}

const scopesOf = ({ interaction }: Visit): readonly string[] =>
  String(interaction.params['scope'] ?? '')
    .split(' ')
    .filter((scope) => scope !== '')

const nameOf = (client: Client): string => client.clientName ?? client.clientId

function targets({ interaction }: Visit): readonly string[] {
  const redirect = interaction.params['redirect_uri']
  const target = typeof redirect === 'string' ? formTargetOf(redirect) : undefined
  return target === undefined ? [] : [target]
}
