/** `/policies`: what is in force, what a text would be if it were, and why something is decided as it is. */
import { basename, isAbsolute } from 'node:path'
import { Fault } from '../core/fault.ts'
import type { Credential } from '../core/principal.ts'
import type { AdminView } from '../gateway/administration.ts'
import { checkPolicies, explainApart } from '../gateway/policy-desk.ts'
import { policySources } from '../gateway/policy-sources.ts'
import type { Explanation, Place } from '../policy/explain.ts'
import type { Policy } from '../policy/policy.ts'
import type { PolicyRequest } from '../policy/question.ts'
import type { PolicySource } from '../policy/source.ts'
import { type Aim, isUse, USES } from '../policy/vocabulary.ts'
import { CREDENTIAL_KINDS } from '../policy/words.ts'
import { type Fields, anyObject, flag, instant, optional, several, text, texts, type Told, word } from './fields.ts'
import { requireKnown, requireRoles, requireUpstreams } from './known.ts'
import { liveOf } from './live.ts'
import { PAGE_FIELDS, pageOf } from './page.ts'
import { type AdminCall, type AdminRoute, AUDITORS, route } from './route.ts'

const CANDIDATE = {
  text: texts('Cedar policies', 200_000),
  replaces: optional(text('name of the file that it would replace', { max: 255 })),
}

const QUESTION = {
  roles: several(text('a role of the tenant', { max: 64 }), 50, 1),
  action: word('what is to be done', ['connect', ...(Object.keys(USES) as (keyof typeof USES)[])]),
  upstream: text('at which upstream', { max: 64 }),
  target: optional(text('tool, prompt, resource or task', { max: 2_000 })),
  arguments: optional(anyObject('arguments of the call')),
  address: optional(text('address of the caller', { max: 64 })),
  time: optional(instant('when, such as 2026-01-31T12:00:00Z (RFC 3339); now when absent')),
  credential: optional(word('kind of credential', CREDENTIAL_KINDS)),
  senderConstrained: optional(flag('the credential is bound to a key')),
  acr: optional(text('authentication context class')),
  amr: optional(several(text('authentication method'), 20)),
  scopes: optional(several(text('scope of the token'), 100)),
}

const CANDIDATE_NAME = 'candidate.cedar'

export const POLICY_ROUTES: readonly AdminRoute[] = [
  route({
    ...{ method: 'GET', path: '/policies', name: 'listPolicies' },
    summary:
      'The policies that decide about the calls of a tenant, with their revision and what does not fit the tools.',
    may: AUDITORS,
    query: PAGE_FIELDS,
    run({ view, tenant, query }) {
      const engine = liveOf(view).engine()
      const all = engine.policiesOf(tenant)
      const { items, next } = pageOf(all, ({ order }) => String(order).padStart(9, '0'), query)
      const files = new Set(all.map(({ source }) => source.file))
      const problems = engine.problems.filter(({ file }) => files.has(file)).map(withShortFile)
      return { document: { revision: engine.revision, problems, policies: items.map(placeOf), ...(next && { next }) } }
    },
  }),
  route({
    ...{ method: 'POST', path: '/policies/check', name: 'checkPolicies' },
    summary: 'What would be found if this text were among the policies of the tenant. Nothing is changed.',
    may: AUDITORS,
    body: CANDIDATE,
    run: checkCandidate,
  }),
  route({
    ...{ method: 'POST', path: '/policies/explain', name: 'explainPolicy' },
    summary: 'What would be decided now, and which policies say so.',
    may: AUDITORS,
    body: QUESTION,
    run: explainQuestion,
  }),
]

/** Its tenant's own text holds for that tenant alone; where none are configured, for all. */
async function checkCandidate({ view, asker, tenant, body }: AdminCall<Fields, typeof CANDIDATE>) {
  const { text: candidate, replaces } = body
  const { vocabulary } = liveOf(view).engine()
  const ofTenant = view.config.tenants === undefined ? {} : { tenant }
  const concerned = policySources(view.config).filter(
    (source) => source.tenant === undefined || source.tenant === tenant,
  )
  const kept = concerned.filter(({ file }) => shortFile(file) !== replaces)
  if (replaces !== undefined && kept.length === concerned.length)
    requireKnown(
      'file',
      [replaces],
      concerned.map(({ file }) => shortFile(file)),
    )
  const source: PolicySource = { file: replaces ?? CANDIDATE_NAME, text: candidate, ...ofTenant }
  const { problems, ...found } = await checkPolicies(asker.tenant, [...kept, source], vocabulary)
  // A problem may name the place of another policy.
  const told = (wrong: string) => kept.reduce((short, { file }) => short.replaceAll(file, shortFile(file)), wrong)
  const shown = problems.map((problem) => ({ ...withShortFile(problem), wrong: told(problem.wrong) }))
  return { document: { valid: problems.length === 0, ...found, problems: shown } }
}

async function explainQuestion({ view, asker, tenant, body }: AdminCall<Fields, typeof QUESTION>) {
  requireRoles(view, tenant, body.roles)
  requireUpstreams(view, tenant, [body.upstream])
  const told = await explainApart(asker.tenant, liveOf(view).engine(), requestOf(view, tenant, body))
  const document: Explanation = {
    ...told,
    decision: { ...told.decision, policies: told.decision.policies.map(shortFile) },
    deciding: told.deciding.map(withShortFile),
    nearest: told.nearest.map(withShortFile),
  }
  return { document }
}

function requestOf({ clock }: AdminView, tenant: string, question: Told<typeof QUESTION>): PolicyRequest {
  const { roles, action, time: at = clock.now(), address = '127.0.0.1', arguments: args = {}, scopes } = question
  return {
    principal: { id: 'question', tenant, roles, credential: credentialOf(question), ...(scopes && { scopes }) },
    aim: aimOf(question),
    circumstances: {
      at,
      address,
      encrypted: true,
      era: 'modern',
      method: action === 'connect' ? 'tools/list' : action,
    },
    args,
  }
}

function credentialOf({ credential, senderConstrained, acr, amr }: Told<typeof QUESTION>): Credential {
  const bound = senderConstrained === true ? { bound: 'key' as const } : {}
  return { kind: credential ?? 'api-key', id: 'question', ...bound, ...(acr && { acr }), ...(amr && { amr }) }
}

function aimOf({ action, upstream, target }: Told<typeof QUESTION>): Aim {
  if (!isUse(action)) return { action: 'connect', upstream }
  if (target === undefined)
    throw new Fault('message.invalid_params', { at: 'target' }, { says: 'target must be given for this action.' })
  const [type = 'Tool'] = USES[action]
  return { action, type, upstream, name: target }
}

/** Where a policy stands. Folders of this host are nobody's business. */
export function placeOf({ id, effect, source }: Policy): Place & { readonly effect: Policy['effect'] } {
  const { file, line, tenant } = source
  return { id: shortFile(id), effect, file: shortFile(file), line, ...(tenant !== undefined && { tenant }) }
}

const withShortFile = <T extends { readonly file: string; readonly id?: string }>(one: T): T => ({
  ...one,
  ...(one.id !== undefined && { id: shortFile(one.id) }),
  file: shortFile(one.file),
})

/** Also of an id: a policy without one of its own is named by its file. */
const shortFile = (file: string): string => (isAbsolute(file) ? basename(file) : file)
