/** `/users/{name}/passkeys` and `/users/{name}/links`: how people sign in beside their password. */
import { accountsOf, findAccount, serverOf } from './authorization-server.ts'
import { type Fields, text } from './fields.ts'
import { conflict, requireKnown, unknownThing } from './known.ts'
import { type AdminCall, type AdminRoute, ADMINISTRATORS, AUDITORS, route } from './route.ts'

const LINK = {
  provider: text('name of a provider of identity.server.providers', { max: 64 }),
  subject: text('what the provider calls the person (`sub`)', { max: 255 }),
}

export const SIGN_IN_ROUTES: readonly AdminRoute[] = [
  route({
    ...{ method: 'GET', path: '/users/{name}/passkeys', name: 'listPasskeys', summary: 'The passkeys of an account.' },
    may: AUDITORS,
    async run(call) {
      const passkeys = await accountsOf(call.view).passkeysOf(await findAccount(call))
      return { document: { passkeys: passkeys.map(({ publicKey: _key, ...shown }) => shown) } }
    },
  }),
  route({
    ...{ method: 'DELETE', path: '/users/{name}/passkeys/{id}', name: 'removePasskey' },
    summary: 'Removes a passkey. All sign-ins of the account end: whoever had it may have used it.',
    may: ADMINISTRATORS,
    urgent: true,
    run: removePasskey,
  }),
  route({
    ...{ method: 'GET', path: '/users/{name}/links', name: 'listLinks' },
    summary: 'With what an account signs in at outside providers.',
    may: AUDITORS,
    async run(call) {
      const { providers } = serverOf(call.view)
      const links = await accountsOf(call.view).linksOf(await findAccount(call))
      const shown = links.map(({ account: _account, ...link }) => {
        const known = providers.find(({ issuer }) => issuer === link.issuer)
        return { ...link, ...(known && { provider: known.name }) }
      })
      return { document: { links: shown } }
    },
  }),
  route({
    ...{ method: 'POST', path: '/users/{name}/links', name: 'addLink' },
    summary: 'Lets an account sign in at an outside provider.',
    may: ADMINISTRATORS,
    body: LINK,
    status: 201,
    run: (call) => relink(call, true),
  }),
  route({
    ...{ method: 'POST', path: '/users/{name}/links/remove', name: 'removeLink' },
    summary: 'Lets an account sign in there no more. All its sign-ins end.',
    may: ADMINISTRATORS,
    urgent: true,
    body: LINK,
    run: (call) => relink(call, false),
  }),
]

async function removePasskey(call: AdminCall) {
  const { view, path, change } = call
  const { id = '' } = path
  return change(async (announce) => {
    const account = await findAccount(call)
    const accounts = accountsOf(view)
    const passkey = (await accounts.passkeysOf(account)).find((one) => one.id === id)
    if (passkey === undefined) throw unknownThing('passkey', id)
    const { lastUsedAt: _used, counter: _counter, ...before } = passkey
    await announce({
      what: 'user.passkey-removed',
      id: account.id,
      before,
      detail: { name: account.name, passkey: id },
    })
    await accounts.removePasskey(account, id)
    return { document: { name: account.name, id, removed: true } }
  })
}

async function relink(call: AdminCall<Fields, typeof LINK>, isNew: boolean) {
  const { view, body, change } = call
  const { provider, subject } = body
  const { providers } = serverOf(view)
  requireKnown(
    'provider',
    [provider],
    providers.map(({ name }) => name),
  )
  const { issuer = '' } = providers.find(({ name }) => name === provider) ?? {}
  return change(async (announce) => {
    const account = await findAccount(call)
    const accounts = accountsOf(view)
    const known = (await accounts.linksOf(account)).some((one) => one.issuer === issuer && one.subject === subject)
    if (!isNew && !known) throw unknownThing('link', subject)
    const facts = { id: account.id, detail: { name: account.name, issuer, subject } }
    const link = { account: account.id, issuer, subject }
    if (isNew) await announce({ ...facts, what: 'user.linked', after: link })
    else await announce({ ...facts, what: 'user.unlinked', before: link })
    const done = isNew ? await accounts.link(account, issuer, subject) : await accounts.unlink(account, issuer, subject)
    if (!done) throw conflict('This subject has an account already.')
    return { document: { name: account.name, provider, subject, linked: isNew } }
  })
}
