/** The program that `cedar-apart.ts` starts: a question on standard input, Cedar's answers on standard output. */
import { text } from 'node:stream/consumers'
import { openCedar } from '../policy/cedar.ts'
import { loadPolicies } from '../policy/load.ts'
import { RememberedCedar } from '../policy/remembered-cedar.ts'
import type { CedarQuestion } from './cedar-apart.ts'

const { sources, roles, upstreams, tools, tenants } = JSON.parse(await text(process.stdin)) as CedarQuestion
const cedar = new RememberedCedar(openCedar(), { parsed: {}, fitting: {} })
// A mistake ends this process with a status; the gateway then asks by itself, and tells it in full.
const words = { roles, upstreams, tools: new Map(tools), ...(tenants !== undefined && { tenants: new Map(tenants) }) }
await loadPolicies(sources, words, cedar)
process.stdout.write(JSON.stringify(cedar.answers()))
