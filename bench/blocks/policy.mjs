// Prints what a decision and a trimmed list cost by the number of policies and of tenants: `node bench/blocks/policy.mjs`.
import { loadPolicies } from '../../packages/portcullis/src/policy/load.ts'
import { visibilityOf } from '../../packages/portcullis/src/policy/trim.ts'

const TOOLS = 500
const inputSchema = { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] }
const tools = Array.from({ length: TOOLS }, (_, at) => {
  const raw = { name: `tool${at}`, inputSchema, annotations: { readOnlyHint: at % 2 === 0 } }
  return { upstream: 'one', name: raw.name, inputSchema, annotations: raw.annotations, raw, digest: `${at}` }
})
const NOON = {
  at: Date.UTC(2026, 6, 29, 12),
  address: '10.1.2.3',
  encrypted: true,
  era: 'modern',
  method: 'tools/call',
}

/** Half of them permit a role a tool, a tenth of those by an argument; the rest is about other roles. */
const policies = (count, roles) =>
  Array.from({ length: count }, (_, at) => {
    const condition = at % 20 === 0 ? ' when { context.args.path like "/open/*" }' : ''
    const tool = `resource == Tool::"one/tool${at % TOOLS}"`
    return `@id("p${at}") permit(principal in Role::"r${at % roles}", action == Action::"tools/call", ${tool})${condition};`
  }).join('\n')

const HOURS = `@id("hours") forbid(principal, action == Action::"tools/call", resource)
  unless { context.time.hour >= 6 && context.time.hour < 20 && context.address.isInRange(ip("10.0.0.0/8")) };`

async function engineOf(count, tenants, timed) {
  const roles = Math.min(count, 1_000)
  const names = Array.from({ length: tenants }, (_, at) => `t${at}`)
  const vocabulary = {
    roles: [...Array.from({ length: roles }, (_, at) => `r${at}`), 'all'],
    upstreams: ['one'],
    tools: new Map([['one', tools]]),
    ...(tenants > 1 && { tenants: new Map(names.map((name) => [name, { upstreams: ['one'], roles: [] }])) }),
  }
  const common = `${policies(count, roles)}\n@id("all") permit(principal in Role::"all", action, resource);`
  const own = (tenant) => ({
    file: tenant,
    tenant,
    text: `@id("own") forbid(principal, action == Action::"tools/call", resource == Tool::"one/tool${TOOLS - 1}");`,
  })
  const sources = [
    { file: 'all', text: timed ? `${common}\n${HOURS}` : common },
    ...(tenants > 1 ? names.map(own) : []),
  ]
  const engine = await loadPolicies(sources, vocabulary)
  const principals = names.map((tenant, at) => ({
    id: `p${at}`,
    tenant: tenants > 1 ? tenant : 'default',
    roles: ['all', `r${at % roles}`],
    credential: { kind: 'api-key', id: '1' },
  }))
  return { engine, principals }
}

const median = (figures) => figures.sort((a, b) => a - b)[Math.floor(figures.length / 2)]
/** CPU milliseconds of one run, the median of nine rounds. */
const cost = (times, run) =>
  median(
    Array.from({ length: 9 }, () => {
      const start = process.cpuUsage()
      for (let at = 0; at < times; at++) run(at)
      const { user, system } = process.cpuUsage(start)
      return (user + system) / 1_000 / times
    }),
  )

console.log(
  `policies  tenants  conditions   load ms   decision µs   first decision of a tenant µs   list of ${TOOLS} ms`,
)
for (const [count, tenants, timed] of [
  [10, 1, false],
  [1_000, 1, false],
  [10_000, 1, false],
  [10_000, 1, true],
  [1_000, 10, false],
  [1_000, 100, false],
  [1_000, 1_000, false],
  [1_000, 1_000, true],
  [10_000, 1_000, true],
]) {
  const started = performance.now()
  const { engine, principals } = await engineOf(count, tenants, timed)
  const loadMs = performance.now() - started
  const visibility = visibilityOf(() => engine)
  const request = (at) => ({
    principal: principals[at % principals.length],
    aim: { action: 'tools/call', type: 'Tool', upstream: 'one', name: `tool${at % TOOLS}` },
    circumstances: NOON,
    args: { path: '/open/a' },
  })
  const first = process.cpuUsage()
  for (let at = 0; at < principals.length; at++) engine.decide(request(at))
  const { user, system } = process.cpuUsage(first)
  for (let at = 0; at < 100_000; at++) engine.decide(request(at))
  const decision = cost(100_000, (at) => engine.decide(request(at)))
  const [someone] = principals
  const list = () => tools.filter((tool) => visibility.tool(someone, tool, NOON)).length
  const shown = list()
  for (let at = 0; at < 100; at++) list()
  const trimmed = cost(50, list)
  if (shown !== (tenants > 1 ? TOOLS - 1 : TOOLS)) throw new Error(`${shown} tools are shown`)
  const figures = [
    String(count).padStart(8),
    String(tenants).padStart(8),
    (timed ? 'time, address' : 'none').padStart(14),
    loadMs.toFixed(0).padStart(8),
    (decision * 1_000).toFixed(2).padStart(12),
    ((user + system) / principals.length).toFixed(0).padStart(22),
    trimmed.toFixed(3).padStart(25),
  ]
  console.log(figures.join(' '))
}
