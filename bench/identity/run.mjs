// npm run bench -- identity: what it costs to know who calls and what they may do.
import { openFolder, configure, openIdentity } from './ground.mjs'
import { startIssuer } from './credentials.mjs'
import { decisionsOf, pathsOf, waysOf } from './measurements.mjs'
import { makeLists } from './lists.mjs'
import { measureLoading } from './loading.mjs'
import { readOptions } from './options.mjs'
import { ownPolicy, policyText } from './policies.mjs'
import { writeReport } from './report.mjs'
import { measureRounds } from './rounds.mjs'
import { openSize, SIZES, WIDE } from './sizes.mjs'

const options = readOptions(process.argv.slice(3))
const startedAt = new Date().toISOString()
const ground = openFolder()
process.on('exit', ground.remove)
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))

const issuer = await startIssuer(ground.folder)
const { folder } = ground
const plain = { policies: 10, roles: 10, tenants: 1, reads: false }
const config = configure(folder, { ...plain, policies: policyText(plain), own: ownPolicy, issuer, server: true })
const identity = await openIdentity(config)
const opened = []
for (const size of [...SIZES, ...WIDE]) {
  opened.push(await openSize(size, { folder, issuer }))
  console.log(`  loaded ${size.policies} policies, ${size.roles} roles, ${size.tenants} tenants`)
}
const { scale, rounds } = options
const ways = await waysOf({ identity, issuer, scale })
const decisions = opened.flatMap((one) => decisionsOf(one, scale))
const paths = opened.flatMap((one) => pathsOf(one, scale))
const trimmed = opened.filter(({ size }) => size.tenants === 1 && size.roles === 10 && !size.wide)
const lists = trimmed.flatMap((one) => makeLists(one, { scale }))
await measureRounds([...ways, ...decisions, ...paths, ...lists], rounds)
const loading = []
for (const one of opened) loading.push(await measureLoading(one))
const goals = writeReport({ options, startedAt, ways, decisions, paths, lists, loading })
for (const { title, wanted, value, unit, met } of goals)
  console.log(`${met ? 'met   ' : 'MISSED'} ${title}: ${value.toFixed(2)}${unit} (${wanted})`)
console.log('Written: bench/IDENTITY.md, bench/identity.json')
for (const one of [...opened.map((each) => each.identity), identity]) await one.close()
issuer.stop()
process.exit()
