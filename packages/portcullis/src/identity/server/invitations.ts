/** Decides who may choose a password: whoever holds a link that works once, for a day (the first administrator too). */
import { randomBytes } from 'node:crypto'
import type { Answer, Exchange } from '../../core/exchange.ts'
import { Fault } from '../../core/fault.ts'
import type { Clock } from '../../core/clock.ts'
import type { AccountStore } from './account-store.ts'
import { accountPrincipal } from './families.ts'
import { readFields } from './form.ts'
import type { FormTokens } from './form-token.ts'
import type { GrantStore } from './grant-store.ts'
import { html } from './html.ts'
import { messagePage, page } from './page.ts'
import { hashPassword, MAX_PASSWORD_CHARS } from './password.ts'
import { digestOf } from './stored-model.ts'
import type { Witness } from './witness.ts'

export interface InvitationParts {
  readonly accounts: AccountStore
  readonly grants: GrantStore
  readonly clock: Clock
}

const KIND = 'Invitation'
const HOURS_24_MS = 86_400_000
/** NIST SP 800-63B-4 §3.1.1.2 for a password that is the only factor. */
export const MIN_PASSWORD_CHARS = 15
const PATH = '/welcome'
const TICKET = /^ticket=([A-Za-z0-9_-]{43})$/

/**
 * The path and query of a link below the server's, for this account. It ends with its use, or after a day. The ticket is
 * in the query, because paths stand in audit records.
 */
export async function invite({ grants, clock }: InvitationParts, accountId: string): Promise<string> {
  const token = randomBytes(32).toString('base64url')
  const payload = JSON.stringify({ accountId })
  const expiresAt = clock.now() + HOURS_24_MS
  await grants.put({ kind: KIND, digest: digestOf(token), payload, expiresAt, account: accountId })
  return `${PATH}?ticket=${token}`
}

export interface WelcomeParts extends InvitationParts {
  readonly forms: FormTokens
  readonly witness: Witness
}

/** The page behind the link, or undefined for a path of somebody else. */
export async function welcome(parts: WelcomeParts, path: string, exchange: Exchange): Promise<Answer | undefined> {
  if (path !== PATH) return undefined
  const { method, query } = exchange.head
  const token = TICKET.exec(query)?.[1] ?? ''
  const account = await invited(parts, token)
  if (account === undefined) {
    await parts.witness.refused(exchange, 'identity.sign_in_failed', 400, { reason: 'invitation' })
    return messagePage('This link does not work', 'It has been used, or it is too old. Ask for a new one.', 400)
  }
  if (method === 'GET') return passwordPage(parts.forms, token, account.name)
  if (method !== 'POST') throw new Fault('transport.method_not_allowed', { method })
  const fields = await readFields(exchange)
  if (!parts.forms.accepts(fields.get('csrf'), token)) throw new Fault('identity.form_refused', { step: 'welcome' })
  const password = fields.get('password') ?? ''
  const problem = passwordProblem(password, fields.get('again') ?? '')
  if (problem !== undefined) return passwordPage(parts.forms, token, account.name, problem)
  return setPassword(parts, token, account, password)
}

/** What is wrong with a new password, as a sentence, or undefined. */
export function passwordProblem(password: string, again: string): string | undefined {
  const characters = Array.from(password).length
  if (characters < MIN_PASSWORD_CHARS) return `A password has at least ${MIN_PASSWORD_CHARS} characters.`
  if (password.length > MAX_PASSWORD_CHARS) return `A password has at most ${MAX_PASSWORD_CHARS} characters.`
  return password === again ? undefined : 'The two entries differ.'
}

async function invited({ grants, accounts, clock }: InvitationParts, token: string) {
  const entry = await grants.find(KIND, digestOf(token))
  if (entry?.account === undefined || entry.consumedAt !== undefined || entry.expiresAt <= clock.now()) return undefined
  const account = await accounts.findById(entry.account)
  return account?.disabledAt === undefined ? account : undefined
}

/** Hashed first: the link must not be used up by a password that is then not set. */
async function setPassword(
  { accounts, grants, clock, witness }: WelcomeParts,
  token: string,
  { id, tenant }: { readonly id: string; readonly tenant: string },
  text: string,
): Promise<Answer> {
  const password = await hashPassword(text)
  if (!(await grants.consume(KIND, digestOf(token), clock.now())))
    throw new Fault('identity.form_refused', { step: 'welcome' })
  await witness.changed(tenant, 'user.password-set', accountPrincipal(id), { by: 'invitation' })
  await accounts.update(tenant, id, { password })
  return messagePage('Your password is set', 'Go back to your application and sign in.')
}

function passwordPage(forms: FormTokens, token: string, name: string, problem?: string): Answer {
  const told = problem === undefined ? html`` : html`<p class="problem" id="problem" role="alert">${problem}</p>`
  const described = problem === undefined ? html`` : html` aria-describedby="problem" aria-invalid="true"`
  const body = html`<h1>Welcome, ${name}</h1>
<p class="soft">Choose a password of at least ${MIN_PASSWORD_CHARS} characters. A sentence that only you know is a good one.</p>
${told}
<form method="post" action="/auth/welcome?ticket=${token}">
<input type="hidden" name="csrf" value="${forms.issue(token)}">
<input type="text" name="username" autocomplete="username" value="${name}" readonly hidden>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="new-password" minlength="${MIN_PASSWORD_CHARS}"
maxlength="256" required autofocus${described}>
<label for="again">The same again</label>
<input id="again" name="again" type="password" autocomplete="new-password" maxlength="256" required${described}>
<button type="submit" class="primary">Set the password</button>
</form>`
  return page(body, { title: 'Choose a password', status: problem === undefined ? 200 : 400 })
}
