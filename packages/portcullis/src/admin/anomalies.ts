/** `/anomalies`: who behaves unusually and why, what is usual for somebody, and the end of what followed. */
import { f32At, f64At, type Place, SERIES, u32At, WORD } from '../anomalies/layout.ts'
import { assess, isKnown } from '../anomalies/assess.ts'
import { idOf, subjectOf, type Unusual } from '../anomalies/recent.ts'
import type { Restriction } from '../anomalies/restrictions.ts'
import { usualOf, valueOf } from '../anomalies/series.ts'
import type { SubjectName } from '../anomalies/subject.ts'
import type { Watch } from '../anomalies/watch.ts'
import { GATEWAY_TENANT } from '../audit/record.ts'
import { Fault } from '../core/fault.ts'
import type { AdminView } from '../gateway/administration.ts'
import { type Fields, flag, optional, word } from './fields.ts'
import { unknownThing } from './known.ts'
import { liveOf } from './live.ts'
import { PAGE_FIELDS, pageOf } from './page.ts'
import { type AdminAnswer, type AdminCall, type AdminRoute, AUDITORS, OPERATORS, route } from './route.ts'

const KINDS = ['principal', 'tool', 'tenant', 'network'] as const
const RELEASE = { baseline: optional(flag('forget what is usual for it as well, and learn it anew')) }

export const ANOMALY_ROUTES: readonly AdminRoute[] = [
  route({
    ...{ method: 'GET', path: '/anomalies', name: 'listAnomalies' },
    summary: 'Callers, tools and the tenant, where they were unusual last, with the reasons, and who is restricted.',
    may: AUDITORS,
    query: { ...PAGE_FIELDS, kind: optional(word('only of this kind', KINDS)) },
    run: ({ view, tenant, query }) => list(watchOf(view), tenant, query, liveOf(view).anomalies?.restored),
  }),
  route({
    ...{ method: 'GET', path: '/anomalies/networks', name: 'listUnusualNetworks' },
    summary: 'Addresses from which sign-ins failed unusually often; they belong to no tenant.',
    may: AUDITORS,
    reach: 'gateway',
    query: PAGE_FIELDS,
    run: ({ view, query }) => list(watchOf(view), GATEWAY_TENANT, query),
  }),
  route({
    ...{ method: 'GET', path: '/anomalies/subjects/{id}', name: 'readSubject' },
    summary: 'What is usual for a subject, such as `principal:key:…`, what is counted of it now, and its score.',
    may: AUDITORS,
    run: ({ view, tenant, path }) => ({ document: shownSubject(watchOf(view), subjectIn(path, tenant)) }),
  }),
  route({
    ...{ method: 'POST', path: '/anomalies/subjects/{id}/release', name: 'releaseSubject' },
    summary: 'Ends what restricts a subject, and forgets what is counted of it now.',
    may: OPERATORS,
    body: RELEASE,
    run: (call) => release(call, call.tenant),
  }),
  route({
    ...{ method: 'POST', path: '/anomalies/networks/{id}/release', name: 'releaseNetwork' },
    summary:
      'Forgets the failed sign-ins of an address, such as `network:192.0.2.7`. A block of it is taken back among the blocks.',
    may: OPERATORS,
    reach: 'gateway',
    body: RELEASE,
    run: (call) => release(call, GATEWAY_TENANT),
  }),
]

/** Throws `administration.unavailable`. */
function watchOf(view: AdminView): Watch {
  const { anomalies } = liveOf(view)
  if (anomalies === undefined)
    throw new Fault('administration.unavailable', {}, { says: 'Nobody watches for anomalies here (anomalies.watch).' })
  return anomalies.watch
}

interface ListQuery {
  readonly limit?: number
  readonly cursor?: string
  readonly kind?: (typeof KINDS)[number]
}

/** `learned`: whether what is usual came back at the start, was there for the first time, or was damaged. */
function list(watch: Watch, tenant: string, { kind, ...page }: ListQuery, learned?: string): AdminAnswer {
  const unusual = watch.recent.of(tenant)
  const known = new Set(unusual.map(({ subject }) => idOf(subject)))
  // Who is still restricted is listed after a restart as well.
  const held = watch.memory.restrictions
    .list(watch.now)
    .filter((one) => one.tenant === tenant && !known.has(`principal:${one.principal}`))
  const all = [...unusual.map((one) => shownUnusual(watch, one)), ...held.map(shownHeld)]
  const { items, next } = pageOf(
    all.filter((one) => kind === undefined || one.kind === kind),
    ({ id }) => id,
    page,
  )
  return { document: { anomalies: items, ...(learned !== undefined && { learned }), ...(next && { next }) } }
}

function shownUnusual(watch: Watch, { subject, level, score, reasons, answer, at }: Unusual) {
  const restriction = subject.kind === 'principal' ? watch.restrictionOf(subject.tenant, subject.name) : undefined
  return {
    ...{ id: idOf(subject), kind: subject.kind, name: subject.name, level, score, reasons, answer, at },
    ...(restriction && { restriction: shownRestriction(restriction) }),
  }
}

const shownHeld = (held: Restriction) => ({
  ...{ id: `principal:${held.principal}`, kind: 'principal' as const, name: held.principal, score: held.score },
  ...{ answer: held.answer, at: held.since, restriction: shownRestriction(held) },
})

const shownRestriction = ({ answer, score, reason, since, until }: Restriction) => ({
  ...{ answer, score, reason, since, until },
})

/** Throws `transport.not_found`. */
function subjectIn({ id = '' }: Readonly<Record<string, string>>, tenant: string): SubjectName {
  const subject = subjectOf(id, tenant)
  const isElsewhere = (subject?.kind === 'network') !== (tenant === GATEWAY_TENANT)
  const isForeign = subject?.kind === 'tenant' && subject.name !== tenant
  if (subject === undefined || isForeign || isElsewhere) throw unknownThing('subject', id)
  return subject
}

/** Throws `transport.not_found`. */
function shownSubject(watch: Watch, subject: SubjectName): object {
  const { kind, tenant, name } = subject
  const place = kind === 'network' ? undefined : watch.memory.find(kind, tenant, name)
  const restriction = kind === 'principal' ? watch.restrictionOf(tenant, name) : undefined
  const last = watch.recent.get(subject)
  if (place === undefined && restriction === undefined && last === undefined)
    throw unknownThing('subject', idOf(subject))
  return {
    ...{ id: idOf(subject), kind, name },
    ...(place && shownPlace(watch, place)),
    ...(last && { last: shownUnusual(watch, last) }),
    ...(restriction && { restriction: shownRestriction(restriction) }),
  }
}

function shownPlace({ rules }: Watch, place: Place) {
  const { score, level, reasons } = assess(place, rules)
  return {
    ...{ score, ...(level && { level }), reasons },
    state: isKnown(place, rules) ? 'known' : 'learning',
    ...{ calls: u32At(place, WORD.calls), days: u32At(place, WORD.days) },
    ...{ firstAt: f64At(place, WORD.firstAt), lastAt: f64At(place, WORD.lastAt) },
    usual: [
      ...SERIES.map(({ name, windowMs }, at) => ({
        ...{ name, windowSeconds: windowMs / 1_000 },
        ...{ usual: Number(usualOf(place, at).toPrecision(3)), now: Number(valueOf(place, at).toPrecision(3)) },
      })),
      {
        ...{ name: 'failures', usual: Number(f32At(place, WORD.failSlow).toPrecision(3)) },
        now: Number(f32At(place, WORD.failFast).toPrecision(3)),
      },
    ],
  }
}

function release({ view, path, body, change }: AdminCall<Fields, typeof RELEASE>, tenant: string) {
  const watch = watchOf(view)
  const subject = subjectIn(path, tenant)
  const { baseline = false } = body
  return change(async (announce) => {
    // Looked for first: nothing is announced of what is not there.
    shownSubject(watch, subject)
    await announce({ what: 'anomaly.released', id: idOf(subject), detail: { baseline } })
    await watch.release(subject, baseline)
    return { document: { id: idOf(subject), released: true } }
  }, tenant)
}
