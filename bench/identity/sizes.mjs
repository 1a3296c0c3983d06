// The sizes at which decisions are measured, and for each of them a gateway's policies, callers and calls.
import { authorize, reveal } from '../../packages/portcullis/src/policy/authorize.ts'
import { Pipeline } from '../../packages/portcullis/src/core/pipeline.ts'
import { certificate } from './credentials.mjs'
import { configure, openIdentity, roleNames, tenantNames } from './ground.mjs'
import { ARGUMENTS, loadEngine, ownPolicy, policyText, remembering, TOOLS, tools } from './policies.mjs'
import { bearer, callOf } from './requests.mjs'

const of = (policies, reads, roles, tenants) => ({ policies, reads, roles, tenants })

/** Policies with and without conditions on arguments; then roles, tenants, and all of it at once. */
export const SIZES = [
  ...[10, 1_000, 10_000].flatMap((policies) => [of(policies, false, 10, 1), of(policies, true, 10, 1)]),
  ...[100, 1_000].map((roles) => of(1_000, true, roles, 1)),
  ...[10, 100, 1_000].map((tenants) => of(1_000, true, 10, tenants)),
  of(10_000, true, 1_000, 1_000),
]

/** As SIZES, but each policy is about every call: what is then left is to ask them all. */
export const WIDE = [100, 1_000].map((policies) => ({ ...of(policies, true, 10, 1), wide: true }))

const CALLS_EACH = 10
const MAX_CALLERS = 1_000
const SPREAD = 37

/** Everything that is measured at a size. Callers are known: each has called before. */
export async function openSize(size, { folder, issuer }) {
  const config = configure(folder, { ...size, policies: policyText(size), own: ownPolicy, issuer })
  const identity = await openIdentity(config)
  const cedar = remembering()
  const engine = await loadEngine(config, cedar)
  const callers = await callersOf(size, { identity, issuer })
  const stages = [reveal(() => engine), identity.scopes, authorize(() => engine)]
  const pipeline = [identity.check, ...stages].reduce((path, stage) => path.check(stage), Pipeline.from())
  return {
    size,
    config,
    identity,
    engine,
    callers,
    stages,
    answers: cedar.answers(),
    path: pipeline.to(async () => DONE),
  }
}

const DONE = { status: 200 }

/** As many as there are roles or tenants, up to 1,000, each with a key, a token and a token bound to a certificate. */
function callersOf({ roles, tenants }, { identity, issuer }) {
  const count = Math.min(MAX_CALLERS, Math.max(roles - 1, tenants))
  const [names, homes] = [roleNames(roles), tenantNames(tenants)]
  return Promise.all(
    Array.from({ length: count }, async (_, at) => {
      const [role, tenant] = [names[at % names.length], homes[at % homes.length]]
      const { key } = await identity.keys.issue({ tenant, name: 'bench', roles: ['user', role] })
      const bound = certificate()
      const claims = { sub: `caller${at}`, org: tenant, groups: [role] }
      const boundTo = { ...claims, cnf: { 'x5t#S256': bound.thumbprint } }
      return {
        key: bearer(key.reveal()),
        jwt: bearer(await issuer.token('ES256', claims)),
        bound: { ...bearer(await issuer.token('ES256', boundTo)), certificate: bound },
      }
    }),
  )
}

export const CREDENTIALS = ['key', 'jwt', 'bound']

/** Calls of all callers in turn, each of the same few tools again and again. */
export function callsOf({ callers }, credential, count) {
  return Array.from({ length: count }, (_, at) => {
    const caller = at % callers.length
    const turn = Math.floor(at / callers.length) % CALLS_EACH
    return callOf(callers[caller][credential], tools[(caller * SPREAD + turn) % (TOOLS - 1)], ARGUMENTS)
  })
}
