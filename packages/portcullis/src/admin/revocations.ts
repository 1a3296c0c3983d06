/** `/revocations`: what is worth nothing any more, whoever shows it. */
import type { Revocation } from '../identity/revocation-store.ts'
import { clientFamily } from '../identity/server/families.ts'
import { type Fields, optional, text, whole, word } from './fields.ts'
import { conflict, familiesOf } from './known.ts'
import { byTime, PAGE_FIELDS, pageOf } from './page.ts'
import { type AdminCall, type AdminRoute, ADMINISTRATORS, AUDITORS, route } from './route.ts'

const DAY_SECONDS = 86_400
const USUAL_SECONDS = 90 * DAY_SECONDS

const NEW_REVOCATION = {
  kind: word('what `id` names: a token by its `jti`, a certificate by its thumbprint, a principal, or a client', [
    'token',
    'certificate',
    'principal',
    'client',
  ]),
  id: text('such as a `jti`, `user:…` or a client id', { max: 2_000 }),
  reason: optional(text('for the record')),
  forSeconds: optional(
    whole('how long it holds: longer than what it names can live; 90 days when absent', 60, 3650 * DAY_SECONDS),
  ),
}

export const REVOCATION_ROUTES: readonly AdminRoute[] = [
  route({
    ...{
      method: 'GET',
      path: '/revocations',
      name: 'listRevocations',
      summary: 'Revocations that are in force or will be.',
    },
    may: AUDITORS,
    query: PAGE_FIELDS,
    run({ view, tenant, query }) {
      const all = view.revocations.list(tenant, view.clock.now())
      const { items, next } = pageOf(all, ({ from, kind, id, until }) => byTime(from, `${kind} ${id} ${until}`), query)
      return { document: { revocations: items.map((one) => ({ ...one })), ...(next && { next }) } }
    },
  }),
  route({
    ...{ method: 'POST', path: '/revocations', name: 'addRevocation' },
    summary: 'Ends at once what a token, a principal or a client may do, with its streams and sessions.',
    may: ADMINISTRATORS,
    urgent: true,
    body: NEW_REVOCATION,
    status: 201,
    run: addRevocation,
  }),
]

async function addRevocation(call: AdminCall<Fields, typeof NEW_REVOCATION>) {
  const { view, tenant, asker, body, change } = call
  const { kind, id, reason = 'revoked by an administrator', forSeconds = USUAL_SECONDS } = body
  const from = view.clock.now()
  const named = kind === 'principal' ? ({ kind, id } as const) : ({ kind: 'token', id: tokenName(kind, id) } as const)
  const revocation: Revocation = { ...named, tenant, from, until: from + forSeconds * 1000, reason }
  if (tenant === asker.tenant && isOwn(call, named.id)) throw conflict('This is what you are signed in by.')
  await change(async (announce) => {
    await announce({ what: 'revocation.added', id, after: revocation, detail: { of: kind, reason } })
    await view.revocations.revoke(revocation)
    // Whoever is ended leaves no credentials for upstreams behind.
    if (kind === 'principal') await view.vault().removePrincipal(tenant, id)
  })
  return { document: revocation }
}

const tokenName = (kind: 'token' | 'certificate' | 'client', id: string): string =>
  kind === 'client' ? clientFamily(id) : id

function isOwn({ asker }: Pick<AdminCall, 'asker'>, id: string): boolean {
  return [asker.id, asker.credential.id, ...familiesOf(asker)].includes(id)
}
