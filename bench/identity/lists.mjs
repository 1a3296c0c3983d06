// A list of 500 tools trimmed for its reader, by the parts that answer `tools/list`.
import { buildRelay } from '../../packages/portcullis/src/gateway/build-relay.ts'
import { ToolSchemas } from '../../packages/portcullis/src/inspection/tool-schemas.ts'
import { ToolLists } from '../../packages/portcullis/src/upstream/relay/tools.ts'
import { clock, ledger, log, UPSTREAM } from './ground.mjs'
import { inTurn } from './rounds.mjs'
import { tools } from './policies.mjs'
import { listOf } from './requests.mjs'

const COLD = 20
const WARM = 200

const catalogue = { ready: async () => {}, list: () => tools, everything: () => tools, revision: 1, problems: [] }
const upstream = { name: UPSTREAM, catalogue, server: { serverInfo: { name: 'one', version: '1' } } }

/**
 * `new kind`: nobody with these roles has asked before. `known kind`: the policies remember what they said of such a
 * caller, but its list was not made yet. `remembered`: the same caller asks again.
 */
export function makeLists({ size, config, identity, engine }, { scale }) {
  const schemas = new ToolSchemas()
  const given = { config, clock, log, ledger, engine: () => engine, schemas, demands: identity.demands }
  const parts = buildRelay({
    ...given,
    upstreams: new Map([[UPSTREAM, upstream]]),
    within: undefined,
    explain: undefined,
  })
  const remembering = new ToolLists()
  let others = 0
  const counted = (count) => Math.ceil(count * scale)
  const principal = (id, roles) => ({ id, tenant: 't0', roles, credential: { kind: 'api-key', id } })
  const kinds = () => principal(`p${others++}`, ['user', `r${others % (size.roles - 1)}`, `kind${others}`])
  const asks = (lists) => (requests) => inTurn(requests, (request) => lists().relay(parts, request))
  const same = principal('same', ['user', 'r0'])
  const lists = (count, make) => () => Array.from({ length: counted(count) }, () => listOf(make()))
  return [
    { what: 'new kind', prepare: lists(COLD, kinds), run: asks(() => new ToolLists()) },
    { what: 'known kind', prepare: lists(COLD, () => same), run: asks(() => new ToolLists()) },
    { what: 'remembered', prepare: lists(WARM, () => same), run: asks(() => remembering) },
  ].map((one) => ({ ...one, size, unit: 'list' }))
}
