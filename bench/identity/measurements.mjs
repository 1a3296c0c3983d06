// What is measured at each size, as `{ prepare, run }` for rounds.mjs, through the stages that the gateway itself runs.
import { ARGUMENTS, TOOLS, tools } from './policies.mjs'
import { callOf } from './requests.mjs'
import { inTurn } from './rounds.mjs'
import { callsOf, CREDENTIALS } from './sizes.mjs'
import { makeWays } from './ways.mjs'

const CALLS = 20_000
const WIDE_CALLS = 500
const FIRST = 200

/** The stage that authenticates, alone, for each way. */
export async function waysOf(ground) {
  const ways = await makeWays(ground)
  return ways.map(({ name, known, requests }) => ({
    name,
    known,
    prepare: requests,
    run: (made) => inTurn(made, (request) => ground.identity.check.check(request)),
  }))
}

/** Authentication of a known credential and all that the policies are asked about a call, in the order of the path. */
export function pathsOf(opened, scale) {
  const count = Math.ceil((opened.size.wide ? WIDE_CALLS : CALLS) * scale)
  return CREDENTIALS.map((credential) => ({
    size: opened.size,
    credential,
    prepare: () => callsOf(opened, credential, count),
    run: (calls) => inTurn(calls, opened.path),
  }))
}

/** What the policies are asked about a call alone: again, and for the first time of such a caller. */
export function decisionsOf({ size, stages, callers }, scale) {
  const count = Math.ceil((size.wide ? WIDE_CALLS : CALLS) * scale)
  const decide = (calls) => {
    for (const call of calls) for (const { check } of stages) check(call)
  }
  let others = 0
  const caller = (at) => principalOf(size, at % callers.length)
  const stranger = () => ({ ...principalOf(size, others), id: `first${others}`, roles: ['user', `kind${others++}`] })
  const known = Array.from({ length: callers.length }, (_, at) => caller(at))
  const call = (principal, at) => ({ ...callOf({ headers: {} }, tools[(at * 37) % (TOOLS - 1)], ARGUMENTS), principal })
  return [
    {
      size,
      what: 'again',
      prepare: () => Array.from({ length: count }, (_, at) => call(known[at % known.length], at % known.length)),
      run: decide,
    },
    {
      size,
      what: 'first',
      prepare: () => Array.from({ length: FIRST }, (_, at) => call(stranger(), at)),
      run: decide,
    },
  ]
}

function principalOf({ roles, tenants }, at) {
  const id = `principal${at}`
  return {
    id,
    tenant: `t${at % tenants}`,
    roles: ['user', `r${at % (roles - 1)}`],
    credential: { kind: 'api-key', id },
  }
}
