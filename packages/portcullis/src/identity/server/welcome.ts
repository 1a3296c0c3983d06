/** The page behind an invitation: a person chooses a password, or makes a passkey, once. */
import type { Answer, Exchange } from '../../core/exchange.ts'
import { Fault } from '../../core/fault.ts'
import { newPasskeyFields } from './account/account-markup.ts'
import type { Account } from './account-store.ts'
import { accountPrincipal } from './families.ts'
import { readFields } from './form.ts'
import type { FormTokens } from './form-token.ts'
import { type Html, html } from './html.ts'
import { invited, useInvitation, WELCOME_PATH } from './invitations.ts'
import { messagePage, page } from './page.ts'
import { hashPassword, MAX_PASSWORD_CHARS } from './password.ts'
import { PASSKEYS_NEED_SCRIPT } from './passkeys/passkey-form.ts'
import { passkeyScript } from './passkeys/passkey-script.ts'
import { vouchedBy } from './providers/vouched-by.ts'
import { MOUNT_PATH, type ServerSettings } from './settings.ts'
import type { Fields } from './sign-in-method.ts'
import { digestOf } from './stored-model.ts'

type Settings = Pick<ServerSettings, 'accounts' | 'grants' | 'clock' | 'witness' | 'methods' | 'passkeys' | 'outside'>

export interface WelcomeParts extends Settings {
  readonly forms: FormTokens
}

interface Guest extends WelcomeParts {
  readonly account: Account
  readonly token: string
  /** To which the account belongs. */
  readonly provider?: string
}

/** NIST SP 800-63B-4 §3.1.1.2 for a password that is the only factor. */
const MIN_PASSWORD_CHARS = 15
const TICKET = /^ticket=([A-Za-z0-9_-]{43})$/

/** Undefined for a path of somebody else. */
export async function welcome(parts: WelcomeParts, path: string, exchange: Exchange): Promise<Answer | undefined> {
  if (path !== WELCOME_PATH) return undefined
  const { method, query } = exchange.head
  const token = TICKET.exec(query)?.[1] ?? ''
  const account = await invited(parts, token)
  if (account === undefined) {
    await parts.witness.refused(exchange, 'identity.sign_in_failed', 400, { reason: 'invitation' })
    return messagePage('This link does not work', 'It has been used, or it is too old. Ask for a new one.', 400)
  }
  const guest = await guestOf(parts, account, token)
  if (method === 'GET') return welcomePage(guest)
  if (method !== 'POST') throw new Fault('transport.method_not_allowed', { method })
  const fields = await readFields(exchange)
  if (!parts.forms.accepts(fields.get('csrf'), token)) throw new Fault('identity.form_refused', { step: 'welcome' })
  return fields.has('response') ? setPasskey(guest, fields) : setPassword(guest, fields)
}

/** Without passkeys, where the account belongs to a provider. */
async function guestOf({ passkeys, ...parts }: WelcomeParts, account: Account, token: string): Promise<Guest> {
  const provider = await vouchedBy(parts, account.id)
  if (provider !== undefined) return { ...parts, account, token, provider }
  return { ...parts, account, token, ...(passkeys && { passkeys }) }
}

/** What is wrong with a new password, as a sentence, or undefined. */
function passwordProblem(password: string, again: string): string | undefined {
  const characters = Array.from(password).length
  if (characters < MIN_PASSWORD_CHARS) return `A password has at least ${MIN_PASSWORD_CHARS} characters.`
  if (password.length > MAX_PASSWORD_CHARS) return `A password has at most ${MAX_PASSWORD_CHARS} characters.`
  return password === again ? undefined : 'The two entries differ.'
}

/** Hashed first: the link must not be used up by a password that is then not set. */
async function setPassword(guest: Guest, fields: Fields): Promise<Answer> {
  if (!takesPasswords(guest)) throw new Fault('identity.form_refused', { step: 'welcome' })
  const text = fields.get('password') ?? ''
  const problem = passwordProblem(text, fields.get('again') ?? '')
  if (problem !== undefined) return welcomePage(guest, problem)
  const password = await hashPassword(text)
  const { accounts, witness, account } = guest
  await requireUnused(guest)
  await witness.changed(account.tenant, 'user.password-set', accountPrincipal(account.id), { by: 'invitation' })
  await accounts.update(account.tenant, account.id, { password })
  return donePage('Your password is set')
}

async function setPasskey(guest: Guest, fields: Fields): Promise<Answer> {
  const { passkeys, account } = guest
  if (passkeys === undefined) throw new Fault('identity.form_refused', { step: 'welcome' })
  const made = await passkeys.registration.prove(account, fields, aboutOf(guest))
  if (made === undefined) return welcomePage(guest, 'This passkey could not be added. Try again.')
  await requireUnused(guest)
  if (await passkeys.registration.keep(account, made)) return donePage('Your passkey is set')
  return messagePage('This passkey could not be added', 'Ask for a new link.', 400)
}

async function requireUnused(guest: Guest): Promise<void> {
  if (!(await useInvitation(guest, guest.token))) throw new Fault('identity.form_refused', { step: 'welcome' })
}

const takesPasswords = ({ methods }: Guest): boolean => methods.some(({ name }) => name === 'password')
const aboutOf = ({ token }: Guest): string => `welcome ${digestOf(token)}`

function donePage(title: string): Answer {
  const body = html`<h1>${title}</h1><p>Go back to your application and sign in.</p>
<p class="hint"><a href="${MOUNT_PATH}/account">Your account</a>: passkeys, and what you have let in.</p>`
  return page(body, { title })
}

async function welcomePage(guest: Guest, problem?: string): Promise<Answer> {
  const { account, passkeys, forms, token, provider } = guest
  if (provider !== undefined && !takesPasswords(guest))
    return messagePage('Nothing to choose here', `You sign in at ${provider}.`, 400)
  const told = problem === undefined ? html`` : html`<p class="problem" id="problem" role="alert">${problem}</p>`
  const withPassword = takesPasswords(guest)
  const form = (inside: Html) => html`<form method="post" action="${MOUNT_PATH}${WELCOME_PATH}?ticket=${token}">
<input type="hidden" name="csrf" value="${forms.issue(token)}">
${inside}
</form>`
  const options = await passkeys?.registration.options(account, aboutOf(guest))
  const passkey = options === undefined ? html`` : form(newPasskeyFields(options, withPassword ? 'other' : 'only'))
  const body = html`<h1>Welcome, ${account.name}</h1>
${withPassword ? html`<p class="soft">Choose a password of at least ${MIN_PASSWORD_CHARS} characters. A sentence that only you know is a good one.</p>` : html`<p class="soft">Make a passkey: with it you sign in here from now on.</p>`}
${told}
${withPassword ? form(passwordFields(account.name, problem)) : html``}
${passkey}
${withPassword ? html`` : PASSKEYS_NEED_SCRIPT}`
  return page(body, {
    title: withPassword ? 'Choose a password' : 'Make a passkey',
    status: problem === undefined ? 200 : 400,
    ...(passkeys && { script: passkeyScript(passkeys.registration.site.origin) }),
  })
}

function passwordFields(name: string, problem: string | undefined): Html {
  const described = problem === undefined ? html`` : html` aria-describedby="problem" aria-invalid="true"`
  return html`<input type="text" name="username" autocomplete="username" value="${name}" readonly hidden>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="new-password" minlength="${MIN_PASSWORD_CHARS}"
maxlength="256" required autofocus${described}>
<label for="again">The same again</label>
<input id="again" name="again" type="password" autocomplete="new-password" maxlength="256" required${described}>
<button type="submit" class="primary">Set the password</button>`
}
