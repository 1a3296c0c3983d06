/** Decides what a person has to do before a client gets anything: sign in, and consent. */
import type { Answer, Exchange } from '../../core/exchange.ts'
import { Fault } from '../../core/fault.ts'
import { kept } from './came-by.ts'
import { approve, askApproval, travellerOf } from './client-approval.ts'
import { consentPage } from './consent-page.ts'
import { giveConsent } from './consents-given.ts'
import { accountPrincipal } from './families.ts'
import { readFields } from './form.ts'
import type { NodePair } from './node-bridge.ts'
import { messagePage } from './page.ts'
import { MOUNT_PATH } from './settings.ts'
import { arriveAt, proveAt, signInAt, type SignInPlace } from './sign-in-desk.ts'
import type { Fields, SignedIn } from './sign-in-method.ts'
import {
  accountOf,
  finish,
  type Interaction,
  type InteractionParts,
  maySee,
  nameOf,
  refusal,
  requestOf,
  targetsOf,
  type Visit,
} from './visit.ts'

/** `…/interaction/UID` and `…/interaction/UID/STEP`. */
const PATH = /^\/interaction\/([\w-]{10,64})(?:\/(sign-in|provider|approve|arrive|consent|deny))?$/

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
  if (step === 'arrive' && method === 'GET') return arrive(visit)
  if (step === undefined || step === 'arrive' || method !== 'POST')
    throw new Fault('transport.method_not_allowed', { method })
  const fields = await readFields(exchange)
  if (step === 'approve') return approve(visit, placeOf(visit), fields)
  if (!parts.forms.accepts(fields.get('csrf'), uid)) throw new Fault('identity.form_refused', { step })
  return take(visit, step, fields)
}

async function take(visit: Visit, step: string, fields: Fields): Promise<Answer> {
  if (step === 'deny') return deny(visit)
  if (step === 'consent') return consent(visit)
  const place = placeOf(visit)
  if (step === 'provider') return askApproval(visit, fields)
  const { answer, signedIn } = await proveAt(visit, place, fields, visit.exchange)
  return answer ?? finish(visit, { login: login(visit, signedIn) }, false)
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
  if (!(await maySee(visit, account))) return finish(visit, NOT_THEIRS, false)
  const formToken = visit.forms.issue(visit.interaction.uid)
  return consentPage({ ...requestOf(visit), asks: { account: account.name }, formToken })
}

const NOT_THEIRS = refusal('this account may not use this client')

/** Throws `identity.form_refused` where nobody is asked to sign in. */
function placeOf(visit: Visit): SignInPlace {
  const { interaction, client, forms } = visit
  const { uid, prompt } = interaction
  if (prompt.name !== 'login') throw new Fault('identity.form_refused', { step: 'sign-in' })
  return {
    path: `${MOUNT_PATH}/interaction/${uid}`,
    about: `interaction ${uid}`,
    traveller: travellerOf(visit),
    to: nameOf(client),
    formToken: forms.issue(uid),
    formTargets: targetsOf(visit),
    canCancel: true,
    fresh: prompt.reasons.some((reason) => AGAIN.has(reason)),
    facts: { client: client.clientId },
  }
}

/** What a client asks for who wants the person to sign in anew. */
const AGAIN: ReadonlySet<string> = new Set(['login_prompt', 'max_age'])

/** Whoever comes back has approved before leaving, so their consent is there as soon as it is known whose it is. */
async function arrive(visit: Visit): Promise<Answer> {
  const { answer, account, signedIn } = await arriveAt(visit, placeOf(visit), visit.exchange)
  if (answer !== undefined) return answer
  if (!(await maySee(visit, account))) return finish(visit, NOT_THEIRS, false)
  const grantId = await giveConsent(visit, account)
  return finish(visit, { login: login(visit, signedIn), consent: { grantId } }, false)
}

function login({ settings }: Visit, signedIn: SignedIn) {
  const { accountId, acr } = signedIn
  const ts = Math.floor(settings.clock.now() / 1000)
  return { accountId, amr: kept(signedIn), ...(acr !== undefined && { acr }), ts }
}

async function consent(visit: Visit): Promise<Answer> {
  const account = await accountOf(visit)
  if (visit.interaction.prompt.name !== 'consent' || account === undefined || !(await maySee(visit, account))) {
    throw new Fault('identity.form_refused', { step: 'consent' })
  }
  return finish(visit, { consent: { grantId: await giveConsent(visit, account) } }, true)
}

async function deny(visit: Visit): Promise<Answer> {
  const account = await accountOf(visit)
  const by = account && accountPrincipal(account.id)
  await visit.settings.witness.changed(account?.tenant, 'consent.denied', by, { client: visit.client.clientId })
  return finish(visit, refusal('the person said no'), false)
}
