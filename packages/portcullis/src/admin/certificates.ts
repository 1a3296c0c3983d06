/** `/certificates` and `/authority`: what the local authority has issued, and how clients come to trust it. */
import { X509Certificate } from 'node:crypto'
import type { AdminView } from '../gateway/administration.ts'
import { oversees } from '../gateway/administrators.ts'
import { revocationsOf } from '../gateway/certificate-revocation.ts'
import { OWN_TENANT } from '../pki/authority/hierarchy.ts'
import type { IssuedCertificate } from '../pki/authority/issued-ledger.ts'
import type { Wish } from '../pki/authority/local-authority.ts'
import { REASON_WORDS, reasonWord } from '../pki/authority/reasons.ts'
import { requireOwnNames } from './certificate-names.ts'
import { type Fields, optional, several, text, texts, whole, word } from './fields.ts'
import { conflict, refused, unknownThing } from './known.ts'
import { byTime, PAGE_FIELDS, pageOf } from './page.ts'
import { type AdminAnswer, type AdminCall, type AdminRoute, ADMINISTRATORS, AUDITORS, route } from './route.ts'

const DAY_SECONDS = 86_400
const USUAL_LIFE_SECONDS = 30 * DAY_SECONDS
const LONGEST_LIFE_SECONDS = 397 * DAY_SECONDS

const BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g

const REQUEST = {
  request: texts('certificate request, PKCS #10, PEM: the key stays with whoever made it', 16_384),
  lifeSeconds: optional(whole('seconds until it expires; 30 days when absent', 60, LONGEST_LIFE_SECONDS)),
}

const NEW_CERTIFICATE = {
  use: word('what it proves: a server, or a client', ['server', 'client']),
  names: several(
    text('a name such as dns:gate.example.org, ip:192.0.2.1 or uri:spiffe://example.org/a', { max: 2_000 }),
    50,
  ),
  subject: optional(text('common name; the first name when absent', { max: 64 })),
  ...REQUEST,
}

const END = { reason: optional(word('why (RFC 5280 §5.3.1); unspecified when absent', REASON_WORDS)) }

export const CERTIFICATE_ROUTES: readonly AdminRoute[] = [
  route({
    ...{ method: 'GET', path: '/certificates', name: 'listCertificates' },
    summary: 'Certificates that were issued here, oldest first, with those that are revoked.',
    may: AUDITORS,
    query: PAGE_FIELDS,
    async run({ view, asker, tenant, query }) {
      const known = (await guarded(view, () => view.authority.known()))?.list() ?? []
      const all = known.filter((one) => isShown(view, asker, tenant, one))
      const { items, next } = pageOf(all, ({ issuedAt, serial }) => byTime(issuedAt, serial), query)
      return { document: { certificates: items.map((one) => shown(view, one)), ...(next && { next }) } }
    },
  }),
  route({
    ...{ method: 'POST', path: '/certificates', name: 'issueCertificate' },
    summary: 'Issues a certificate for the key of a request.',
    may: ADMINISTRATORS,
    body: NEW_CERTIFICATE,
    status: 201,
    run: (call) => issue(call, call.body),
  }),
  route({
    ...{ method: 'POST', path: '/certificates/{id}/renew', name: 'renewCertificate' },
    summary: 'Issues another certificate of the same names; the earlier one stays good until its end.',
    may: ADMINISTRATORS,
    body: { request: optional(REQUEST.request), lifeSeconds: REQUEST.lifeSeconds },
    status: 201,
    run: renew,
  }),
  route({
    ...{ method: 'POST', path: '/certificates/{id}/revoke', name: 'revokeCertificate' },
    summary: 'Revokes a certificate for good: its holder is refused on every node, and lists and OCSP say so.',
    may: ADMINISTRATORS,
    urgent: true,
    body: END,
    run: revoke,
  }),
  route({
    ...{ method: 'GET', path: '/authority', name: 'readAuthority' },
    summary: 'What clients have to trust, PEM, and until when.',
    may: AUDITORS,
    run: readAuthority,
  }),
  route({
    ...{ method: 'POST', path: '/authority/prepare', name: 'prepareAuthority' },
    summary: 'Makes root and intermediate where there are none, beside a root of an earlier set-up.',
    may: ADMINISTRATORS,
    reach: 'gateway',
    async run(call) {
      await call.change(async (announce) => {
        await announce({ what: 'authority.prepared', id: 'local' })
        await guarded(call.view, () => call.view.authority.open())
      })
      return readAuthority(call)
    },
  }),
]

interface Asked extends Pick<Wish, 'use' | 'names' | 'request'> {
  readonly subject?: string
  readonly lifeSeconds?: number
  readonly replaces?: string
}

async function issue(
  call: Pick<AdminCall, 'view' | 'asker' | 'tenant' | 'change'>,
  asked: Asked,
): Promise<AdminAnswer> {
  const { view, asker, tenant, change } = call
  const { lifeSeconds = USUAL_LIFE_SECONDS, ...wish } = asked
  const handed = await change((announce) =>
    guarded(view, async () => {
      const authority = await view.authority.open()
      return authority.issue({ ...wish, tenant, by: asker.id, lifeMs: lifeSeconds * 1_000 }, async (planned) => {
        if (!oversees(view.config, asker)) requireOwnNames(view.config, tenant, planned)
        await announce({ what: 'certificate.issued', id: planned.serial, after: planned, detail: told(planned) })
      })
    }),
  )
  return { document: { ...shown(view, handed.issued), certificate: handed.chain } }
}

async function renew(call: AdminCall<Fields, { request: Fields[string]; lifeSeconds: typeof REQUEST.lifeSeconds }>) {
  const { view, body } = call
  const known = await find(call)
  if (known.tenant === OWN_TENANT) return renewOwn(call, known)
  const { request, lifeSeconds } = body
  if (typeof request !== 'string') throw refused('A certificate request is needed.')
  if (known.use === 'authority') throw conflict('An authority is renewed by itself.')
  if (known.revoked !== undefined) throw conflict('It is revoked; issue another one.', { serial: known.serial })
  const { use, names, subject, serial: replaces } = known
  const life = lifeSeconds === undefined ? lifeOf(known) : lifeSeconds
  return issue({ ...call, view }, { use, names, subject, request, lifeSeconds: life, replaces })
}

/** As long as the one before, within what is possible. */
const lifeOf = ({ issuedAt, notAfter }: IssuedCertificate): number =>
  Math.min(LONGEST_LIFE_SECONDS, Math.max(60, Math.round((notAfter - issuedAt) / 1_000)))

/** Nobody hands out a key of ours, so the gateway makes it itself. */
async function renewOwn(call: Pick<AdminCall, 'view' | 'change'>, known: IssuedCertificate): Promise<AdminAnswer> {
  const { view, change } = call
  const { live } = view
  if (known.use !== 'server' || live === undefined)
    throw conflict('The gateway renews its own certificates while it runs.', { serial: known.serial })
  await change(async (announce) => {
    await announce({ what: 'certificate.renewal', id: known.serial })
    await guarded(view, () => live.renewCertificate())
  })
  const all = (await view.authority.known())?.list() ?? []
  const newest = all.findLast(({ tenant, use }) => tenant === OWN_TENANT && use === 'server')
  return { document: shown(view, newest ?? known) }
}

/** What is revoked already is made known once more: so a second try heals a first that ended in between. */
async function revoke(call: AdminCall<Fields, typeof END>): Promise<AdminAnswer> {
  const { view, asker, body, change } = call
  const { reason = 'unspecified' } = body
  const known = await find(call)
  if (asker.credential.id === known.thumbprint) throw conflict('You cannot revoke the certificate that you are using.')
  if (known.tenant === OWN_TENANT && !oversees(view.config, asker)) throw unknownThing('certificate', known.serial)
  const isNews = known.revoked === undefined
  const revoked = await change((announce) =>
    guarded(view, async () => {
      const authority = await view.authority.open()
      return authority.revoke(known.serial, reason, asker.id, (planned) =>
        announce({
          ...{ what: 'certificate.revoked', id: known.serial, before: known, after: planned },
          detail: { ...told(known), reason },
        }),
      )
    }),
  )
  const at = revoked.revoked?.at ?? view.clock.now()
  const why = reasonWord(revoked.revoked?.reason ?? 0)
  for (const news of revocationsOf(revoked, view.config, at, why)) await view.revocations.revoke(news)
  // Ours is shown to nobody from here on.
  if (revoked.tenant === OWN_TENANT) await guarded(view, async () => view.live?.renewCertificate())
  return { document: { ...shown(view, revoked), changed: isNews } }
}

async function readAuthority({ view, asker }: Pick<AdminCall, 'view' | 'asker'>): Promise<AdminAnswer> {
  const bundle = view.authority.bundle()
  if (bundle === undefined) throw unknownThing('authority', 'local')
  const known = await guarded(view, () => view.authority.known())
  const roots = (bundle.match(BLOCK) ?? []).map((pem) => {
    const { subject, fingerprint256, validToDate } = new X509Certificate(pem)
    return { subject, fingerprint256, expiresAt: validToDate.getTime() }
  })
  const intermediates = (known?.list() ?? []).filter(({ use }) => use === 'authority')
  return {
    document: {
      ...{ bundle, roots, intermediates: intermediates.map((one) => shown(view, one)) },
      ...(oversees(view.config, asker) && { rootKey: known?.hasRootKey === true ? 'here' : 'away' }),
      ...(view.authority.url !== undefined && { publishedAt: view.authority.url }),
    },
  }
}

async function find({ view, asker, tenant, path }: Pick<AdminCall, 'view' | 'asker' | 'tenant' | 'path'>) {
  const { id = '' } = path
  const found = (await guarded(view, () => view.authority.known()))?.find(id)
  if (found === undefined || !isShown(view, asker, tenant, found)) throw unknownThing('certificate', id)
  return found
}

/** What the gateway issued for itself is for those who look after all. */
const isShown = (
  view: AdminView,
  asker: AdminCall['asker'],
  tenant: string,
  { tenant: of }: IssuedCertificate,
): boolean => of === tenant || (of === OWN_TENANT && oversees(view.config, asker))

function shown({ clock }: AdminView, { revoked, ...rest }: IssuedCertificate): object {
  const state = revoked !== undefined ? 'revoked' : rest.notAfter <= clock.now() ? 'expired' : 'good'
  return { ...rest, state, ...(revoked && { revokedAt: revoked.at, reason: reasonWord(revoked.reason) }) }
}

const told = ({ use, subject, names, notAfter, issuer }: IssuedCertificate) => ({
  ...{ use, subject, names: [...names], issuer },
  until: new Date(notAfter).toISOString(),
})

/** What cannot be done is told in words, without folders of this host. */
async function guarded<T>(view: AdminView, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (thrown) {
    if (!(thrown instanceof Error) || thrown.name !== 'PkiError') throw thrown
    const says = thrown.message.replaceAll(view.authority.folder, 'authority')
    throw conflict(`${says.charAt(0).toUpperCase()}${says.slice(1)}.`, { error: thrown.message })
  }
}
